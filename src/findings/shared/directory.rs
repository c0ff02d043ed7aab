//! Refusals of a domain controller: the answer that ended each exchange with it, and the reason that it gives.

use crate::findings::shared::answers::{Failure, Words};
use crate::findings::shared::fetch;
use crate::findings::{Case, Found};
use crate::formats::spnego;
use crate::login::steps::{DirectoryRequest, Purpose, Step, StepKind, TicketRequest};
use crate::model::{At, Evidence, How, Outcome, Stage};
use crate::protocols::kerberos::{self, code as error_code};
use crate::protocols::ldap;
use crate::text::WireText;

/// Active Directory's reasons for a refused bind that lie in the account, in hexadecimal as it writes them.
const ACCOUNT_DATA: [(u32, &str); 7] = [
    (0x530, "is outside its logon hours"),
    (0x531, "may not log on from this workstation"),
    (0x532, "has an expired password"),
    (0x533, "is disabled"),
    (0x701, "has expired"),
    (0x773, "must change its password first"),
    (0x775, "is locked out"),
];
/// The same as NTSTATUS ([MS-ERREF] 2.3.1).
const ACCOUNT_STATUS: [(u32, &str); 7] = [
    (0xc000_006f, "is outside its logon hours"),
    (0xc000_0070, "may not log on from this workstation"),
    (0xc000_0071, "has an expired password"),
    (0xc000_0072, "is disabled"),
    (0xc000_0193, "has expired"),
    (0xc000_0224, "must change its password first"),
    (0xc000_0234, "is locked out"),
];

/// What a refusal comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The account cannot be used: in what way.
    Account(&'static str),
    /// A refused bind.
    Bind,
    /// A refused search, or one that is only referred elsewhere.
    Search,
    /// A KRB-ERROR, by its code.
    Kerberos(i32),
    /// Something else: StartTLS, a notice of disconnection.
    Other,
}

/// A refusal that ended an exchange.
#[derive(Clone, Copy)]
pub(crate) struct Refusal<'a> {
    /// Index of the step.
    index: usize,
    /// The step.
    step: &'a Step,
    /// The frame of the answer.
    at: At,
    /// What was refused.
    pub(crate) said: Said<'a>,
}

/// What was refused.
#[derive(Clone, Copy)]
pub(crate) enum Said<'a> {
    /// By LDAP.
    Ldap(&'a DirectoryRequest, &'a ldap::Outcome),
    /// By Kerberos.
    Kerberos(&'a TicketRequest, &'a kerberos::Error),
}

/// The refusals that ended exchanges of an attempt, and that no later exchange made good.
pub(crate) fn refusals<'a>(case: &Case<'a>) -> Vec<Refusal<'a>> {
    // A device that gets in all the same, by NTLM where Kerberos was refused, was not kept out.
    if case.attempt.drop.is_none() {
        return Vec::new();
    }
    let steps = case.attempt.steps.iter().enumerate();
    let failed = steps.filter(|(_, step)| step.stage == Stage::Directory && step.outcome == Outcome::Failed);
    failed.filter_map(|(index, step)| refusal(index, step)).filter(|refusal| !made_good(case, refusal)).collect()
}

fn refusal<'a>(index: usize, step: &'a Step) -> Option<Refusal<'a>> {
    let at = step.ending.filter(|ending| ending.how == How::Rejected)?.at;
    let (ldap, kerberos) = requests(step)?;
    let is_it = |seen: At| seen.frame == at.frame;
    let by_ldap = ldap.iter().rev().find(|request| request.answer.as_ref().is_some_and(|(seen, _)| is_it(*seen)));
    let by_ldap = by_ldap.and_then(|request| Some(Said::Ldap(request, request.outcome()?)));
    let by_kerberos = || {
        kerberos.iter().rev().find_map(|request| {
            let (_, error) = request.error().filter(|(seen, _)| is_it(*seen))?;
            Some(Said::Kerberos(request, error))
        })
    };
    Some(Refusal { index, step, at, said: by_ldap.or_else(by_kerberos)? })
}

/// The LDAP and Kerberos requests of a step.
pub(crate) fn requests(step: &Step) -> Option<(&[DirectoryRequest], &[TicketRequest])> {
    match &step.kind {
        StepKind::Connection(connection) => Some((&connection.ldap, &connection.kerberos)),
        StepKind::Inquiry(inquiry) => Some((&inquiry.ldap, &inquiry.kerberos)),
        _ => None,
    }
}

/// Did a later exchange with a domain controller go well? A ping over CLDAP says nothing of users and searches.
fn made_good(case: &Case<'_>, refusal: &Refusal<'_>) -> bool {
    case.attempt.steps.iter().any(|step| {
        let counts = match &step.kind {
            StepKind::Connection(_) => true,
            StepKind::Inquiry(inquiry) => !inquiry.kerberos.is_empty(),
            _ => false,
        };
        counts && step.purpose == Purpose::Directory && step.outcome == Outcome::Ok && step.goes_well_until() > Some(refusal.at)
    })
}

/// The domain controller of a step, as people name it.
pub(crate) fn server(step: &Step) -> String {
    let (name, flow) = match &step.kind {
        StepKind::Connection(connection) => (&connection.name, &connection.flow),
        StepKind::Inquiry(inquiry) => (&inquiry.name, &inquiry.flow),
        _ => return "the domain controller".to_owned(),
    };
    match name {
        Some(name) => format!("{name} ({})", flow.server),
        None => flow.server.to_string(),
    }
}

impl<'a> Refusal<'a> {
    /// What it comes to.
    pub(crate) fn reason(&self) -> Reason {
        let account = |list: &[(u32, &'static str)], value: Option<u32>| {
            list.iter().find(|(known, _)| Some(*known) == value).map(|(_, state)| Reason::Account(state))
        };
        match self.said {
            Said::Kerberos(_, error) => {
                let by_code = match error.code {
                    error_code::CLIENT_EXPIRED => Some(Reason::Account("has expired")),
                    error_code::POLICY => Some(Reason::Account("may not log on now, or not from here")),
                    error_code::CLIENT_REVOKED => Some(Reason::Account("is locked, disabled or expired")),
                    error_code::KEY_EXPIRED => Some(Reason::Account("has an expired password")),
                    _ => None,
                };
                account(&ACCOUNT_STATUS, error.status).or(by_code).unwrap_or(Reason::Kerberos(error.code))
            }
            Said::Ldap(request, outcome) => match &request.answer.as_ref().map(|(_, answer)| &answer.body) {
                Some(ldap::Body::Bound(_, Some(spnego::Token::KerberosError(code)))) => {
                    i32::try_from(*code).map_or(Reason::Bind, Reason::Kerberos)
                }
                Some(ldap::Body::Bound(..)) => account(&ACCOUNT_DATA, outcome.data()).unwrap_or(Reason::Bind),
                Some(ldap::Body::Done(_)) => Reason::Search,
                _ => Reason::Other,
            },
        }
    }

    /// Who was refused: what the request says of its user.
    pub(crate) fn user(&self) -> Option<WireText> {
        match self.said {
            Said::Ldap(request, _) => request.bind().and_then(ldap::Bind::user),
            Said::Kerberos(request, error) => {
                let asked = request.request.as_ref().and_then(|message| message.request());
                let client = asked.and_then(|asked| asked.client.clone()).or_else(|| error.client.clone())?;
                Some(WireText::from(format!("{}@{}", client.raw(), error.realm.raw())))
            }
        }
    }

    /// The error of Kerberos, where it came as a message of its own.
    pub(crate) fn error(&self) -> Option<&'a kerberos::Error> {
        match self.said {
            Said::Kerberos(_, error) => Some(error),
            Said::Ldap(..) => None,
        }
    }

    /// The request for a ticket that was refused.
    pub(crate) fn ticket(&self) -> Option<&'a kerberos::Request> {
        match self.said {
            Said::Kerberos(request, _) => request.request.as_ref().and_then(|message| message.request()),
            Said::Ldap(..) => None,
        }
    }

    /// The domain controller, as people name it.
    pub(crate) fn server(&self) -> String {
        server(self.step)
    }

    /// When the answer came.
    pub(crate) fn at(&self) -> At {
        self.at
    }

    /// In words: `invalidCredentials (49) of dc01…`.
    fn words(&self) -> String {
        match self.said {
            Said::Ldap(request, outcome) if request.is_referred() => {
                format!("{} reference(s) to other servers and no entry, from {}", request.references, named(outcome.code))
            }
            Said::Ldap(_, outcome) => match outcome.data() {
                Some(data) => format!("{} ({}, data {data:x})", ldap::names::result_name(outcome.code), outcome.code),
                None => named(outcome.code),
            },
            Said::Kerberos(_, error) => format!("{} ({})", kerberos::names::error_name(error.code), error.code),
        }
    }

    /// The frames that show it: the request, and the answer.
    fn evidence(&self) -> Vec<Evidence> {
        let server = self.server();
        let (sent, asked, show) = match self.said {
            Said::Ldap(request, outcome) => (&request.sent, "request to", self.show(request, outcome)),
            Said::Kerberos(request, error) => {
                (&request.sent, "Kerberos request to", format!("kerberos.error_code == {}", error.code))
            }
        };
        let request = sent.last().map(|at| Evidence::new(at.frame, "", format!("{asked} {server}")));
        let mut answer = format!("{server} answers {}", self.words());
        if let Some(text) = self.text() {
            answer.push_str(&format!(": {text}"));
        }
        request.into_iter().chain([Evidence::new(self.at.frame, &show, answer)]).collect()
    }

    /// A search may lie inside a signed message, which Wireshark does not always open.
    fn show(&self, request: &DirectoryRequest, outcome: &ldap::Outcome) -> String {
        match (&self.step.kind, request.search()) {
            (StepKind::Inquiry(_), _) => "cldap".to_owned(),
            (_, Some(_)) => "ldap".to_owned(),
            (_, None) => format!("ldap.resultCode == {}", outcome.code),
        }
    }

    /// What the server says in its own words.
    fn text(&self) -> Option<&WireText> {
        match self.said {
            Said::Ldap(_, outcome) => Some(&outcome.text).filter(|text| !text.is_empty()),
            Said::Kerberos(_, error) => error.text.as_ref(),
        }
    }
}

fn named(code: u32) -> String {
    format!("{} ({code})", ldap::names::result_name(code))
}

/// One finding for the refusals of this kind. `what` says in words what each of them is.
pub(crate) fn told<'a>(
    case: &Case<'a>,
    fits: impl Fn(&Refusal<'a>) -> bool,
    what: impl Fn(&Refusal<'a>) -> String,
    words: impl Fn(&[Refusal<'a>], &str) -> Words,
) -> Vec<Found> {
    let refusals: Vec<Refusal<'a>> = refusals(case).into_iter().filter(|refusal| fits(refusal)).collect();
    let failures: Vec<Failure<'a>> = refusals
        .iter()
        .map(|refusal| Failure { index: refusal.index, step: refusal.step, what: what(refusal), evidence: refusal.evidence() })
        .collect();
    fetch::told(case, &failures, |list| words(&refusals, list))
}

/// A refusal in words: `invalidCredentials (49, data 52e) to CONTOSO\kim by dc01.contoso.com (10.0.0.3:389)`.
pub(crate) fn in_words(refusal: &Refusal<'_>) -> String {
    let user = refusal.user().map(|user| format!(" to {user}")).unwrap_or_default();
    format!("{}{user} by {}", refusal.words(), refusal.server())
}
