//! Stage `register`: REGISTER and its authentication (RFC 3261 section 10 and 22), in clear or by what the sizes and the
//! order of encrypted records allow.

use super::{Horizon, Judged, connect, session, tls};
use crate::login::purpose;
use crate::login::steps::{Connection, Handshake, Registration, Transaction};
use crate::model::{At, By, How, Outcome, SECOND, Stage, Time};
use crate::text::WireText;

/// Timer F: what a client waits for a final answer (RFC 3261 section 17.1.2.2).
const TIMER_F: i64 = 32 * SECOND;

/// How sure it is that a device is registered that goes on and is granted what registered devices ask for.
const GRANTED_MORE: f32 = 0.85;

/// How sure it is where that shows by nothing but a connection that lives on.
const LIVES_ON: f32 = 0.65;

/// T1: the first repeat over UDP comes after this time (RFC 3261 section 17.1.2.2).
const T1: i64 = SECOND / 2;

/// T2: up to this the repeats over UDP are half a second apart, then twice that, and so on (RFC 3261 section 17.1.2.2).
const T2: i64 = 4 * SECOND;

/// What a sequence of transactions came to.
#[derive(Clone, Debug)]
enum State<'a> {
    /// A binding was made.
    Registered,
    /// The binding was given back.
    Unregistered,
    /// A final answer that is no success.
    Rejected(At),
    /// No final answer.
    Waiting(&'a Transaction),
    /// Nothing was asked.
    Idle,
}

fn state(transactions: &[Transaction]) -> State<'_> {
    let Some(last) = transactions.iter().rev().find(|transaction| transaction.request.method() == "REGISTER") else {
        return State::Idle;
    };
    match last.answer.as_ref().map(|(at, answer)| (*at, answer.code().unwrap_or_default())) {
        Some((_, 200..=299)) if last.request.expires == Some(0) => State::Unregistered,
        Some((_, 200..=299)) => State::Registered,
        Some((at, _)) if stands_beside(transactions, last, at.time) => State::Registered,
        Some((at, _)) => State::Rejected(at),
        None => State::Waiting(last),
    }
}

/// Was another address-of-record registered when this one was refused, and did its binding stand? A phone has several lines, and each has
/// its own account (RFC 3261 section 10.2).
fn stands_beside(transactions: &[Transaction], refused: &Transaction, at: Time) -> bool {
    let of_line = |line: &Transaction| {
        let mut registers = transactions.iter().rev().filter(|one| one.request.method() == "REGISTER");
        registers.find(|one| one.request.to == line.request.to).is_some_and(|last| std::ptr::eq(last, line))
    };
    let is_other = |line: &&Transaction| line.request.to.is_some() && line.request.to != refused.request.to;
    let mut others = transactions.iter().filter(|line| registers(line)).filter(is_other);
    refused.request.to.is_some()
        && others.any(|line| of_line(line) && expiry(std::slice::from_ref(line)).is_none_or(|over| at <= over))
}

/// What became of a registration over UDP. `next` is that with the same server.
pub(in crate::login) fn judge_datagrams(
    registration: &Registration,
    next: Option<&Registration>,
    horizon: &Horizon<'_>,
) -> Judged {
    if let (Some((at, _)), false) = (registration.unreachable, registration.transactions.iter().any(|t| t.answer.is_some())) {
        return Judged::failed(Stage::Connect, By::Network, How::Icmp, at);
    }
    let is_asked_anew = next.is_some_and(|next| is_asked_anew(registration, next));
    if lacks_answer(registration) && !is_asked_anew || is_no_refusal(registration) {
        let registered = is_granted_more(&registration.transactions) || is_bound(&registration.transactions, horizon.end);
        return if registered { registered_unseen() } else { Judged::unclear(Stage::Register) };
    }
    let judged = judge_transactions(&registration.transactions, registration.flow.server_ip(), horizon);
    // It was registered, and asks for more of that: the session is what goes silent.
    let is_refresh =
        matches!(state(&registration.transactions), State::Waiting(_)) && registration.transactions.iter().any(registers);
    if is_refresh && judged.outcome == Outcome::Failed { Judged { stage: Stage::Session, ..judged } } else { judged }
}

/// Was the last REGISTER answered, though the capture lacks the answer? What is not answered is sent again after half a second, or,
/// where the server has said that it is at work, after four (RFC 3261 section 17.1.2.2); but not by every device: the server must have
/// answered the one before, or the device must live on with it.
pub(in crate::login) fn lacks_answer(registration: &Registration) -> bool {
    let State::Waiting(Transaction { sent, provisional, .. }) = state(&registration.transactions) else { return false };
    let &[sent] = sent.as_slice() else { return false };
    let repeats = if provisional.is_some() { T2 } else { T1 };
    let lives_on = registration.alive.is_some_and(|alive| alive.time.since(sent.time) > repeats);
    let answers = registration.transactions.iter().any(|transaction| transaction.answer.is_some());
    lives_on || answers && provisional.is_none()
}

/// Does the next registration show that the device took this one as unanswered: does it begin anew (RFC 3261 section 10.2: who refreshes
/// a binding counts on in the same call), or is that not answered either? Of a server that answered before, it does not.
fn is_asked_anew(registration: &Registration, next: &Registration) -> bool {
    let register = |transaction: &&Transaction| transaction.request.method() == "REGISTER";
    let answers = |registration: &Registration| registration.transactions.iter().any(|transaction| transaction.answer.is_some());
    let last = registration.transactions.iter().rev().find(register);
    let refreshes = last
        .zip(next.transactions.iter().find(register))
        .is_some_and(|(last, first)| first.request.call_id == last.request.call_id && first.request.cseq.0 > last.request.cseq.0);
    let is_refreshed = refreshes && answers(next);
    !answers(registration) && !is_refreshed
}

/// Is the last word no refusal: a new nonce in place of the old one (RFC 3261 section 22.4), where the device lives on with it; or a
/// challenge, where the capture cut off what the device had given and shows none before?
fn is_no_refusal(registration: &Registration) -> bool {
    let mut registers = registration.transactions.iter().rev().filter(|transaction| transaction.request.method() == "REGISTER");
    let (Some(last), before) = (registers.next(), registers.next()) else { return false };
    let challenge = |transaction: &Transaction| {
        let (at, answer) = transaction.answer.as_ref()?;
        matches!(answer.code(), Some(401 | 407)).then_some((*at, answer.challenges.iter().any(|challenge| challenge.stale)))
    };
    let Some((at, is_stale)) = challenge(last) else { return false };
    let lives_on = registration.alive.is_some_and(|alive| alive > at);
    let is_hidden =
        !last.sent.is_empty() && last.request.cut && last.request.credentials.is_empty() && before.and_then(challenge).is_none();
    is_stale && lives_on || is_hidden
}

fn judge_transactions(transactions: &[Transaction], server: Option<std::net::IpAddr>, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Register;
    match state(transactions) {
        State::Registered => Judged { signed_in: Some(0.99), ..Judged::ok(STAGE) },
        // It signs off: a device that was signed in, and means to leave.
        State::Unregistered if transactions.iter().any(registers) => Judged { signed_in: Some(0.99), ..Judged::ok(STAGE) },
        State::Unregistered => Judged::ok(STAGE),
        State::Rejected(at) => Judged::failed(STAGE, By::Server, How::Rejected, at),
        State::Waiting(transaction) => match (transaction.sent.first(), transaction.sent.last()) {
            (Some(first), Some(last)) => {
                // The first repeats come of themselves, before a slow answer too.
                let sent = if last.time.since(first.time) >= T2 { transaction.sent.len() } else { 1 };
                // A provisional answer shows that the network took the request there (RFC 3261 section 17.1.2.2).
                let unheard_by = server.filter(|_| transaction.provisional.is_none());
                horizon.silent(STAGE, unheard_by, *last, sent, TIMER_F / 2)
            }
            _ => Judged::unclear(STAGE),
        },
        // Who is told what becomes of it is known there: a registrar challenges strangers (RFC 6665 section 4.1.2, RFC 3261 section 22).
        State::Idle if transactions.iter().any(subscribes) => registered_unseen(),
        State::Idle => Judged::unclear(STAGE),
    }
}

/// Was something granted that the device asked for behind the REGISTER that waits for its answer? It goes on, and a registrar that
/// knows nobody challenges everything (RFC 3261 section 22.3).
fn is_granted_more(transactions: &[Transaction]) -> bool {
    let State::Waiting(waiting) = state(transactions) else { return false };
    let granted = |transaction: &Transaction| {
        transaction.request.method() != "REGISTER"
            && transaction.sent.first() > waiting.sent.last()
            && transaction.answer.as_ref().is_some_and(|(_, answer)| matches!(answer.code(), Some(200..=299)))
    };
    transactions.iter().any(granted)
}

/// Does a binding stand at this time, whatever came of the request to refresh it (RFC 3261 section 10.2.4)?
fn is_bound(transactions: &[Transaction], at: Time) -> bool {
    transactions.iter().any(registers) && expiry(transactions).is_none_or(|end| at < end)
}

/// Registered, by an answer that the capture lacks.
fn registered_unseen() -> Judged {
    Judged { signed_in: Some(GRANTED_MORE), ..Judged::ok(Stage::Register) }
}

/// Was this subscription granted? One to a configuration goes to whoever hands that out (RFC 6080 section 5.1.2).
fn subscribes(transaction: &Transaction) -> bool {
    let granted = transaction.answer.as_ref().is_some_and(|(_, answer)| matches!(answer.code(), Some(200..=299)));
    let request = &transaction.request;
    let event = request.event.as_ref().map_or("", WireText::raw);
    let of_configuration = event.get(..10).is_some_and(|name| name.eq_ignore_ascii_case("ua-profile"));
    granted && request.method() == "SUBSCRIBE" && request.expires_field != Some(0) && !of_configuration && !request.cut
}

/// Did this transaction make a binding?
fn registers(transaction: &Transaction) -> bool {
    let accepted = transaction.answer.as_ref().is_some_and(|(_, answer)| matches!(answer.code(), Some(200..=299)));
    accepted && transaction.request.method() == "REGISTER" && transaction.request.expires != Some(0)
}

/// When the binding is over that the last REGISTER made, if nobody refreshes it (RFC 3261 section 10.2.1): some time later than it
/// says, for the device and the registrar reckon from other moments. `None` where the registrar does not say what it granted, or
/// speaks of bindings of other devices, too.
pub(in crate::login) fn expiry(transactions: &[Transaction]) -> Option<Time> {
    const GRACE: i64 = 60 * SECOND;
    let (at, granted) = granted(transactions)?;
    Some(at.plus(granted.saturating_add(GRACE)))
}

/// Is it time to refresh the binding, and not yet over? Clients do that when about half of the time is gone, or later (RFC 3261 section
/// 10.2.4 leaves it to them).
pub(in crate::login) fn is_due(transactions: &[Transaction], at: Time) -> bool {
    let (granted_at, granted) = granted(transactions).unwrap_or((at, i64::MAX));
    let gone = at.since(granted_at);
    gone >= granted / 5 * 2 && expiry(transactions).is_some_and(|over| at <= over)
}

/// When the last REGISTER was granted, and for how long, if that is told.
fn granted(transactions: &[Transaction]) -> Option<(Time, i64)> {
    let last = transactions.iter().rev().find(|transaction| registers(transaction))?;
    let (at, answer) = last.answer.as_ref()?;
    let granted = answer.expires.filter(|_| answer.contacts.len() <= 1)?;
    Some((at.time, i64::from(granted).saturating_mul(SECOND)))
}

/// Is the last word a challenge in the middle of the legs: may the answer still be to come?
pub(in crate::login) fn is_pending_challenge(transactions: &[Transaction]) -> bool {
    let last = transactions.last().and_then(|last| Some((&last.request, &last.answer.as_ref()?.1)));
    last.is_some_and(|(request, answer)| matches!(answer.code(), Some(401 | 407)) && request.has_another_leg(answer))
}

/// Is the last word one that a client follows at once: another target (RFC 3261 section 8.1.3.4), or a longer time (section 10.3)? Where
/// the same server sends it on once more, it was led in a circle.
pub(in crate::login) fn is_to_be_followed(transactions: &[Transaction]) -> bool {
    let code = |transaction: &Transaction| transaction.answer.as_ref()?.1.code();
    let sends_on = |transaction: &&Transaction| matches!(code(transaction), Some(300..=399));
    match transactions.last().and_then(code) {
        Some(300..=399) => transactions.iter().filter(sends_on).count() == 1,
        last => last == Some(423),
    }
}

/// What became of a connection to the registrar, through `connect`, `tls`, `register` and `session`.
pub(in crate::login) fn judge(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    if let Some(judged) = connect::judge(connection, Stage::Connect, horizon) {
        return judged;
    }
    let is_read = !connection.sip.is_empty();
    let asks_to_register = connection.sip.iter().any(|transaction| transaction.request.method() == "REGISTER");
    if let Some(judged) = session::judge_standing(connection, horizon).filter(|_| !asks_to_register) {
        return judged;
    }
    let Some(handshake) = connection.tls.as_ref().filter(|tls| tls.opened || !is_read) else {
        return if is_read { judge_clear(connection, horizon) } else { judge_silent(connection, horizon) };
    };
    let judged = tls::judge(connection, handshake, Stage::Tls, horizon);
    match (judged.outcome, is_read) {
        (Outcome::Ok, true) => judge_opened(connection, horizon),
        (Outcome::Ok, false) => judge_encrypted(connection, handshake, horizon),
        (Outcome::Unclear, false) if lives_on(connection) => session::judge(connection, Some(handshake), LIVES_ON, horizon),
        (Outcome::Unclear, false) if is_joined_behind(handshake) => Judged::unclear(Stage::Register),
        _ => judged,
    }
}

/// Did the capture begin when the handshake was over? Both sides speak under encryption, and no message of it is there.
fn is_joined_behind(handshake: &Handshake) -> bool {
    let greeted = handshake.client_hello.is_some() || handshake.server_hello.is_some() || handshake.client_step().is_some();
    !greeted && handshake.client_data.count() > 0 && handshake.server_data.count() > 0
}

/// Of the packets of this connection the capture has the beginnings, or some alone: do both sides still speak, long after any request
/// would have been given up, on a connection of which nobody takes leave? Whom its registrar refuses it does not keep for so long.
fn lives_on(connection: &Connection) -> bool {
    speaks_on(connection) && connection.first_close().is_none()
}

/// The same, whoever takes leave in the end.
pub(in crate::login) fn speaks_on(connection: &Connection) -> bool {
    let stats = &connection.stats;
    let in_part = stats.client.cut || stats.server.cut || connection.is_holed();
    in_part && both_speak_for_long(connection)
}

fn both_speak_for_long(connection: &Connection) -> bool {
    let stats = &connection.stats;
    let key = connection.tls.as_ref().and_then(|handshake| handshake.client_key_exchange);
    let heard = stats.client.last_data.zip(stats.server.last_data).map(|(client, server)| client.min(server));
    let since = key.or(stats.client.first_data).zip(heard).map(|(began, heard)| heard.time.since(began.time));
    since.is_some_and(|since| since >= 2 * TIMER_F)
}

/// What a key log shows is as good as what comes in clear, as far as it goes.
fn judge_opened(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    let judged = judge_clear(connection, horizon);
    if connection.is_torn() && judged.signed_in.is_none() { Judged::unclear(Stage::Register) } else { judged }
}

fn judge_clear(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    if goes_on_unread(connection) {
        return if lives_on(connection) {
            session::judge(connection, None, LIVES_ON, horizon)
        } else {
            Judged::unclear(Stage::Register)
        };
    }
    let judged = judge_transactions(&connection.sip, connection.flow.server_ip(), horizon);
    let closed = connection.first_close();
    match (state(&connection.sip), closed) {
        (State::Registered, _) => session::judge(connection, connection.tls.as_deref(), 0.99, horizon),
        // It was registered, and asks for more of that: the session is what goes silent.
        (State::Waiting(_), _) if connection.sip.iter().any(registers) => {
            session::judge(connection, connection.tls.as_deref(), 0.99, horizon)
        }
        (State::Waiting(_), _) if connection.is_holed() && is_granted_more(&connection.sip) => {
            session::judge(connection, connection.tls.as_deref(), GRANTED_MORE, horizon)
        }
        // The connection went before the answer came.
        (State::Waiting(transaction), Some(_)) => match transaction.sent.last() {
            Some(asked) => connect::unanswered(connection, Stage::Register, *asked, horizon),
            None => judged,
        },
        _ => judged,
    }
}

/// Did the server answer the request that waits, or did the device go on from the challenge that it had last, in heads that the capture
/// cut off before they say what they belong to?
fn goes_on_unread(connection: &Connection) -> bool {
    let stats = &connection.stats;
    let is_answered = match state(&connection.sip) {
        State::Waiting(waiting) => stats.server.cut && stats.server.last_data > waiting.sent.last().copied(),
        State::Rejected(at) if is_pending_challenge(&connection.sip) => stats.client.cut && stats.client.last_data > Some(at),
        _ => false,
    };
    is_answered && !connection.sip.iter().any(registers)
}

/// Bytes went over the connection, but none that any protocol claims.
fn judge_silent(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    if let Some((at, close)) = connect::left_after_cut_hello(connection) {
        return Judged::failed(Stage::Tls, By::Device, connect::how(close), at);
    }
    // SCCP is not read; it, too, has a word of either side every half a minute as long as the phone is registered.
    let lives_by_sccp = purpose::SCCP.contains(&connection.flow.server.port()) && both_speak_for_long(connection);
    if lives_on(connection) || lives_by_sccp {
        return session::judge(connection, None, LIVES_ON, horizon);
    }
    match connection.stats.client.first_data {
        // It was connected, and served; with what, the capture cut off.
        Some(_) if connection.is_served_unread() => Judged::unclear(Stage::Register),
        Some(asked) if connection.stats.server.first_data.is_none() => {
            connect::unanswered(connection, Stage::Connect, asked, horizon)
        }
        _ => Judged::unclear(Stage::Connect),
    }
}

/// Under encryption: a sign-in takes two requests and more (a challenge, its answer, subscriptions) and the connection is
/// kept; a refusal takes few, and is followed by the close.
fn judge_encrypted(connection: &Connection, handshake: &Handshake, horizon: &Horizon<'_>) -> Judged {
    // In TLS 1.3 the client's Finished and the server's tickets are application data too.
    let answered = connection.answered().saturating_sub(u32::from(!handshake.is_readable()));
    // Who is refused does not keep the connection alive.
    let kept = tls::kept_after_data(connection, horizon).max(connection.rested().unwrap_or(0)) >= tls::KEPT;
    match (answered, kept) {
        (4.., _) => session::judge(connection, Some(handshake), 0.85, horizon),
        (2..=3, true) => session::judge(connection, Some(handshake), 0.65, horizon),
        // Who knows the nonce needs one request to refresh its binding (RFC 3261 section 22.2), and who is refused need not close.
        (1, true) if tls::kept_after_data(connection, horizon) >= 2 * TIMER_F => Judged::unclear(Stage::Register),
        (_, _) => ended_encrypted(connection, handshake),
    }
}

fn ended_encrypted(connection: &Connection, handshake: &Handshake) -> Judged {
    // Records that the capture lacks cannot be counted.
    if tls::is_partial(connection, handshake) {
        return Judged::unclear(Stage::Register);
    }
    match session::close(connection, Some(handshake)) {
        Some(ending) => Judged::failed(Stage::Register, ending.by, ending.how, ending.at),
        None => Judged::unclear(Stage::Register),
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, StepKind};
    use crate::model::{Frame, Side};
    use crate::protocols::sip;

    fn judged(tcp: Tcp) -> Judged {
        let step = tcp.into_step(1);
        let heard_from = Hosts::default();
        let end = step.last.time.plus(600 * SECOND);
        let horizon = Horizon::seen(end, step.first.time, &heard_from);
        match &step.kind {
            StepKind::Connection(connection) => judge(connection, &horizon),
            _ => Judged::unclear(Stage::Register),
        }
    }

    #[test]
    fn who_closes_after_a_long_wait_for_the_server_has_waited_in_vain() {
        let ends = |handshake: Tcp, wait: f64| {
            let ending = judged(handshake.pause(wait).leaves(Side::Client, Close::Fin)).ending;
            ending.map(|ending| (ending.by, ending.how))
        };
        let (silence, left) = (Some((By::Unknown, How::Timeout)), Some((By::Device, How::Fin)));
        let answered = || tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]);
        assert_eq!(ends(answered().client_finished(), 30.0), silence);
        assert_eq!(ends(answered().client_finished(), 1.0), left);
        assert_eq!(ends(tcp(Purpose::Registrar).hello().server_hello(0x0301, 0x0005), 30.0), silence, "no certificate came");
        assert_eq!(ends(answered(), 30.0), left, "it is the client's turn");
    }

    /// A handshake of TLS 1.2 that a key log opens.
    fn opened() -> Tcp {
        tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished().opened()
    }

    fn ending(judged: &Judged) -> Option<(By, How)> {
        judged.ending.map(|ending| (ending.by, ending.how))
    }

    #[test]
    fn a_connection_that_is_kept_alive_is_a_session_though_the_server_resets_it_then() {
        let after_rest = |seconds: f64, octets: u16| {
            let shaken = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
            let said = (0..3).fold(shaken, |wire, _| wire.encrypted(Side::Client).encrypted(Side::Server));
            judged(said.pause(seconds).sealed(Side::Client, octets).leaves(Side::Server, Close::Rst))
        };
        let kept_alive = after_rest(28.0, 28);
        assert_eq!((kept_alive.stage, ending(&kept_alive)), (Stage::Session, Some((By::Server, How::Rst))));
        assert_eq!(after_rest(28.0, 700).stage, Stage::Register, "it may be refused, and ask once more");
        assert_eq!(after_rest(2.0, 28).stage, Stage::Register, "it has not stood");
    }

    #[test]
    fn one_answer_and_a_long_rest_may_be_a_refresh_or_a_refusal() {
        let closed_after = |seconds: f64| {
            let shaken = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
            let said = shaken.encrypted(Side::Client).encrypted(Side::Server);
            judged(said.pause(seconds).leaves(Side::Server, Close::Fin)).outcome
        };
        assert_eq!((closed_after(180.0), closed_after(10.0)), (Outcome::Unclear, Outcome::Failed));
    }

    #[test]
    fn an_exchange_by_sccp_that_goes_on_is_a_session() {
        let speaks = |port: u16, seconds: f64| {
            let said = tcp(Purpose::Registrar).to("10.0.0.5", port).data(Side::Client, 100).data(Side::Server, 60).pause(seconds);
            judged(said.data(Side::Client, 12).data(Side::Server, 12)).signed_in.is_some()
        };
        assert!(speaks(2000, 90.0));
        assert!(!speaks(2000, 10.0), "it may be rejected");
        assert!(!speaks(5060, 90.0), "what is said there would be read");
    }

    #[test]
    fn a_request_that_waits_for_its_answer_is_no_rest() {
        let shaken = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let said = (0..2).fold(shaken, |wire, _| wire.encrypted(Side::Client).encrypted(Side::Server));
        let waits = said.encrypted(Side::Client).pause(28.0).sealed(Side::Client, 28).leaves(Side::Server, Close::Rst);
        assert_eq!(judged(waits).stage, Stage::Register);
    }

    #[test]
    fn a_server_that_answers_has_accepted_though_the_capture_lost_its_syn_ack() {
        let registered = tcp(Purpose::Registrar).to("10.0.0.5", 5060).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1)));
        let cut = registered.change(|connection| connection.syn_ack = None).pause(300.0).leaves(Side::Server, Close::Rst);
        let judged = judged(cut);
        assert_eq!((judged.stage, judged.signed_in, ending(&judged)), (Stage::Session, Some(0.99), Some((By::Server, How::Rst))));
    }

    #[test]
    fn a_session_that_stood_when_the_capture_began_is_behind_its_handshake() {
        let speaks = |greets: bool| {
            let begun = tcp(Purpose::Registrar).to("10.0.0.5", 5061);
            let begun = if greets { begun.hello() } else { begun };
            let judged = judged(begun.encrypted(Side::Client).encrypted(Side::Server));
            (judged.stage, judged.outcome)
        };
        assert_eq!(speaks(false), (Stage::Register, Outcome::Unclear));
        assert_eq!(speaks(true).0, Stage::Tls);
    }

    #[test]
    fn an_answer_of_which_the_capture_has_the_beginning_alone_is_neither_silence_nor_refusal() {
        let ends = |cut: bool, challenged: bool| {
            let challenge = sip::Message { challenges: vec![sip_auth("Digest")], ..sip_answer(401, 1) };
            let asked =
                tcp(Purpose::Registrar).to("10.0.0.5", 5060).sip(sip_request("REGISTER", 1), challenged.then_some(challenge));
            let said = asked.data(Side::Client, 600).data(Side::Server, 400);
            let said = said.change(move |connection| (connection.stats.client.cut, connection.stats.server.cut) = (cut, cut));
            judged(said.pause(60.0).leaves(Side::Client, Close::Fin)).outcome
        };
        assert_eq!((ends(true, false), ends(true, true)), (Outcome::Unclear, Outcome::Unclear));
        assert_eq!((ends(false, false), ends(false, true)), (Outcome::Failed, Outcome::Failed), "all was captured");
    }

    #[test]
    fn a_line_without_an_account_takes_no_other_one_off() {
        let ends = |lines: [(&'static str, u16); 2], granted: u32| {
            let register = |(line, code): (&'static str, u16), number: u32| {
                let request = sip::Message { to: Some(line.into()), ..sip_request("REGISTER", number) };
                (1, request, Some(sip::Message { expires: Some(granted), ..sip_answer(code, number) }))
            };
            let legs = vec![register(lines[0], 1), register(lines[1], 2)];
            let StepKind::Registration(registration) = registration(legs).into_step(1).kind else { panic!("no registration") };
            let heard_from = Hosts::default();
            judge_transactions(&registration.transactions, None, &Horizon::seen(at(1).time, at(1).time, &heard_from)).outcome
        };
        let (first, second) = ("sip:2001@contoso.com", "sip:9999@contoso.com");
        assert_eq!(ends([(first, 200), (second, 403)], 600), Outcome::Ok);
        assert_eq!(ends([(first, 200), (first, 403)], 600), Outcome::Failed, "it is this one");
        assert_eq!(ends([(first, 403), (second, 403)], 600), Outcome::Failed);
    }

    #[test]
    fn a_refusal_that_a_key_log_shows_is_one() {
        let refused = opened().encrypted(Side::Client).sip(sip_request("REGISTER", 1), Some(sip_answer(403, 1)));
        let judged = judged(refused.encrypted(Side::Server).leaves(Side::Client, Close::Fin));
        assert_eq!((judged.stage, ending(&judged)), (Stage::Register, Some((By::Server, How::Rejected))));
    }

    #[test]
    fn an_answer_that_cannot_be_read_any_more_is_neither_silence_nor_refusal() {
        for answer in [None, Some(sip_answer(401, 1))] {
            let asked = opened().encrypted(Side::Client).sip(sip_request("REGISTER", 1), answer);
            let judged = judged(asked.torn().encrypted(Side::Server).pause(40.0).leaves(Side::Client, Close::Fin));
            assert_eq!((judged.outcome, ending(&judged)), (Outcome::Unclear, None));
        }
        let registered = opened().encrypted(Side::Client).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1)));
        assert_eq!(judged(registered.encrypted(Side::Server).torn()).signed_in, Some(0.99));
    }

    #[test]
    fn a_device_that_leaves_after_its_hello_does_so_though_the_capture_cut_what_was_said() {
        let hello = |cut: bool| {
            let said = tcp(Purpose::Registrar).data(Side::Client, 74).data(Side::Server, 1_255);
            said.change(move |connection| connection.cut_hello = connection.syn_ack.filter(|_| cut))
        };
        let left = judged(hello(true).leaves(Side::Client, Close::Fin));
        assert_eq!((left.stage, ending(&left)), (Stage::Tls, Some((By::Device, How::Fin))));
        assert_eq!(ending(&judged(hello(false).leaves(Side::Client, Close::Fin))), None, "it may have been anything");
        assert_eq!(ending(&judged(hello(true).data(Side::Client, 200).leaves(Side::Client, Close::Fin))), None, "it went on");
        assert_eq!(ending(&judged(hello(true).pause(40.0).leaves(Side::Client, Close::Fin))), None, "it waited");
    }

    #[test]
    fn a_session_of_which_no_handshake_can_be_read_shows_by_living_on() {
        let cut = |cut: bool| move |connection: &mut crate::login::steps::Connection| connection.stats.server.cut = cut;
        let goes_on = |seconds: f64, is_cut: bool| {
            let spoken = tcp(Purpose::Registrar).data(Side::Client, 517).data(Side::Server, 1_236).pause(seconds);
            judged(spoken.data(Side::Client, 33).data(Side::Server, 31).change(cut(is_cut)))
        };
        assert_eq!((goes_on(120.0, true).stage, goes_on(120.0, true).signed_in), (Stage::Session, Some(LIVES_ON)));
        assert_eq!(goes_on(20.0, true).signed_in, None, "it may yet be refused");
        assert_eq!(goes_on(120.0, false).signed_in, None, "nothing is missing, and it is neither TLS nor SIP");
    }

    #[test]
    fn whom_a_subscription_is_granted_is_registered_unless_it_is_one_to_a_configuration() {
        let asks = |event: &str, code: u16| {
            let request = sip::Message { event: Some(WireText::from(event)), ..sip_request("SUBSCRIBE", 1) };
            let step = registration(vec![(1, request, Some(sip_answer(code, 1)))]).into_step(1);
            let StepKind::Registration(registration) = step.kind else { panic!("no registration") };
            let heard_from = Hosts::default();
            judge_datagrams(&registration, None, &Horizon::seen(at(900).time, at(1).time, &heard_from)).signed_in
        };
        assert_eq!(asks("message-summary", 200), Some(GRANTED_MORE));
        assert_eq!(asks("message-summary", 202), Some(GRANTED_MORE));
        assert_eq!(asks("message-summary", 403), None);
        assert_eq!(asks("ua-profile;profile-type=\"device\"", 202), None, "from whoever hands it out");
    }

    #[test]
    fn over_udp_a_binding_that_is_not_prolonged_is_a_session_that_goes_silent() {
        let asks = |first: Option<u16>| {
            let before = first.map(|code| (1, sip_request("REGISTER", 1), Some(sip_answer(code, 1))));
            let asked = before.into_iter().chain([(11, sip_request("REGISTER", 2), None)]).collect();
            let StepKind::Registration(registration) = registration(asked).into_step(1).kind else { panic!("no registration") };
            let heard_from = Hosts::default();
            let judged = judge_datagrams(&registration, None, &Horizon::seen(at(90_000).time, at(1).time, &heard_from));
            (judged.stage, judged.outcome)
        };
        assert_eq!(asks(Some(200)), (Stage::Session, Outcome::Failed));
        assert_eq!(asks(Some(401)), (Stage::Register, Outcome::Failed));
        assert_eq!(asks(None), (Stage::Register, Outcome::Failed));
    }

    #[test]
    fn a_session_of_which_the_capture_has_the_beginnings_of_packets_shows_by_living_on() {
        let cut = |connection: &mut crate::login::steps::Connection| connection.stats.server.cut = true;
        let goes_on = |seconds: f64| {
            let shaken = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished();
            shaken.data(Side::Server, 90).pause(seconds).data(Side::Client, 400).data(Side::Server, 300).change(cut)
        };
        assert_eq!((judged(goes_on(120.0)).stage, judged(goes_on(120.0)).signed_in), (Stage::Session, Some(LIVES_ON)));
        assert_eq!(judged(goes_on(20.0)).signed_in, None, "it may yet be refused");
        assert_eq!(judged(goes_on(120.0).leaves(Side::Server, Close::Fin)).signed_in, None);
    }

    #[test]
    fn a_connection_of_which_the_capture_lacks_a_part_is_no_refusal_and_no_handshake_that_broke_off() {
        let handshake = || tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]);
        let closed = |said: Tcp| judged(said.leaves(Side::Client, Close::Fin));
        let cut = |connection: &mut crate::login::steps::Connection| connection.stats.server.cut = true;
        let lost = |connection: &mut crate::login::steps::Connection| connection.stats.server.uncaptured = 900;
        assert_eq!(ending(&closed(handshake())), Some((By::Device, How::Fin)), "it left after the certificate");
        let went_on = || handshake().data(Side::Client, 300).data(Side::Client, 400);
        assert_eq!(closed(went_on().change(cut)).outcome, Outcome::Unclear);
        assert_eq!(closed(went_on().change(lost)).outcome, Outcome::Unclear);
        let refused = || handshake().client_finished().server_finished().encrypted(Side::Client).encrypted(Side::Server);
        assert_eq!(ending(&closed(refused())), Some((By::Device, How::Fin)));
        assert_eq!(closed(refused().change(lost)).outcome, Outcome::Unclear, "records that are not there cannot be counted");
    }

    #[test]
    fn a_fatal_alert_before_any_answer_ends_the_handshake_whatever_was_asked() {
        let asked = opened().encrypted(Side::Client).sip(sip_request("REGISTER", 1), None);
        let judged = judged(asked.alert(Side::Server, 2, 116).leaves(Side::Server, Close::Fin));
        assert_eq!((judged.stage, ending(&judged)), (Stage::Tls, Some((By::Server, How::Alert))));
    }

    #[test]
    fn a_device_that_says_in_ssl_3_that_it_has_no_certificate_does_not_leave_by_that() {
        let none = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).alert(Side::Client, 1, 41).client_finished();
        assert_eq!(ending(&judged(none.alert(Side::Server, 2, 40))), Some((By::Server, How::Alert)));
    }

    #[test]
    fn a_word_on_the_certificate_that_crosses_the_servers_close_is_what_ended_the_handshake() {
        let crosses = |code: u8| {
            let left = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Server, Close::Fin);
            ending(&judged(left.change(move |connection| {
                let (close, _, _) = connection.first_close().unwrap();
                let said = crate::model::At { time: close.time.plus(SECOND / 1_000), ..close };
                connection.tls.as_mut().unwrap().alerts.push((said, Side::Client, 2, code));
            })))
        };
        assert_eq!(crosses(42), Some((By::Device, How::Alert)));
        assert_eq!(crosses(80), Some((By::Server, How::Fin)), "it complains of the close");
    }

    #[test]
    fn the_good_bye_of_a_session_that_a_key_log_shows_is_its_end() {
        let registered = opened().encrypted(Side::Client).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1)));
        let over = registered.encrypted(Side::Server).alert(Side::Server, 1, 0).leaves(Side::Server, Close::Fin);
        assert_eq!(ending(&judged(over)), Some((By::Server, How::Alert)));
    }

    #[test]
    fn a_register_over_udp_that_is_not_sent_again_was_answered_though_the_capture_lacks_that() {
        let asked = |times: u64, answered: bool| {
            let challenge = answered.then(|| sip_answer(401, 1));
            let legs = vec![(1, sip_request("REGISTER", 1), challenge), (times, sip_request("REGISTER", 2), None)];
            let step = registration(legs).into_step(1);
            let heard_from = Hosts::default();
            let end = step.last.time.plus(600 * SECOND);
            let horizon = Horizon::seen(end, end, &heard_from);
            let StepKind::Registration(registration) = &step.kind else { panic!("no registration") };
            judge_datagrams(registration, None, &horizon).outcome
        };
        assert_eq!((asked(1, true), asked(2, true)), (Outcome::Unclear, Outcome::Failed));
        assert_eq!(asked(1, false), Outcome::Failed, "this server answers nothing");
    }

    #[test]
    fn a_request_that_the_server_says_to_be_working_on_was_not_lost_by_the_network() {
        let silence = |trying: bool| {
            let mut step = registration(vec![(1, sip_request("REGISTER", 1), None)]).into_step(1);
            let StepKind::Registration(registration) = &mut step.kind else { panic!("no registration") };
            for transaction in &mut registration.transactions {
                transaction.provisional = transaction.sent.last().copied().filter(|_| trying);
            }
            let heard_from = Hosts::from([registration.flow.server_ip().unwrap()]);
            let end = step.last.time.plus(600 * SECOND);
            ending(&judge_datagrams(registration, None, &Horizon::seen(end, end, &heard_from)))
        };
        assert_eq!(silence(false), Some((By::Network, How::Timeout)));
        assert_eq!(silence(true), Some((By::Unknown, How::Timeout)));
    }

    #[test]
    fn a_client_whose_last_word_the_capture_lost_did_not_stop_at_its_hello() {
        let left = |uncaptured: u64| {
            let said = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]);
            let said = said.change(move |connection| connection.stats.client.uncaptured = uncaptured);
            judged(said.leaves(Side::Server, Close::Fin))
        };
        assert_eq!(ending(&left(0)), Some((By::Server, How::Fin)));
        assert_eq!(left(7).outcome, Outcome::Unclear, "it may have been an alert");
    }

    #[test]
    fn application_data_of_both_sides_shows_that_both_have_finished() {
        let shaken = |mut said: Tcp| {
            for _ in 0..4 {
                said = said.encrypted(Side::Client).encrypted(Side::Server);
            }
            said.change(|connection| {
                connection.stats.server.uncaptured = 59;
                connection.tls.as_mut().unwrap().server_change_cipher = None;
            })
        };
        let handshake = || tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        assert_eq!(judged(shaken(handshake())).signed_in, Some(0.85));
    }

    #[test]
    fn a_device_that_is_granted_a_subscription_behind_its_register_is_registered_though_the_capture_lacks_that() {
        let signed_in = |code: u16| {
            let asked = [(1, sip_request("REGISTER", 1), None), (1, sip_request("SUBSCRIBE", 2), Some(sip_answer(code, 2)))];
            let step = registration(asked.into()).into_step(1);
            let heard_from = Hosts::default();
            let (end, last_begun) = (step.last.time, step.first.time);
            let horizon = Horizon::seen(end, last_begun, &heard_from);
            let StepKind::Registration(registration) = &step.kind else { panic!("no registration") };
            judge_datagrams(registration, None, &horizon).signed_in
        };
        assert_eq!((signed_in(200), signed_in(404)), (Some(0.85), None));
    }

    #[test]
    fn a_binding_stands_until_it_runs_out_though_the_capture_lacks_what_came_of_the_refresh() {
        let signed_in = |later: i64| {
            let granted = sip::Message { expires: Some(3_600), ..sip_answer(200, 1) };
            let asked = [(1, sip_request("REGISTER", 1), Some(granted)), (1, sip_request("REGISTER", 2), None)];
            let step = registration(asked.into()).into_step(1);
            let heard_from = Hosts::default();
            let horizon = Horizon::seen(step.last.time.plus(later * SECOND), step.first.time, &heard_from);
            let StepKind::Registration(registration) = &step.kind else { panic!("no registration") };
            judge_datagrams(registration, None, &horizon).signed_in
        };
        assert_eq!((signed_in(0), signed_in(600), signed_in(7_200)), (Some(0.85), Some(0.85), None));
    }

    /// What became of this registration, whose device lives on with the server so many seconds after its last word, if it does.
    fn lived_on(
        legs: Vec<(u64, sip::Message, Option<sip::Message>)>,
        trying: bool,
        later: Option<f64>,
        next: Option<Vec<(u64, sip::Message, Option<sip::Message>)>>,
    ) -> Outcome {
        let of = |legs: Vec<(u64, sip::Message, Option<sip::Message>)>| {
            let step = registration(legs).into_step(1);
            match &step.kind {
                StepKind::Registration(registration) => (registration.as_ref().clone(), step.last),
                _ => panic!("no registration"),
            }
        };
        let (mut registration, last) = of(legs);
        let after = |seconds: f64| At { time: last.time.plus((seconds * SECOND as f64) as i64), frame: Frame::new(99) };
        registration.alive = later.map(after);
        if let Some(waiting) = registration.transactions.last_mut().filter(|_| trying) {
            waiting.provisional = waiting.sent.last().copied();
        }
        let next = next.map(|legs| of(legs).0);
        let (heard_from, end) = (Hosts::default(), last.time.plus(600 * SECOND));
        judge_datagrams(&registration, next.as_ref(), &Horizon::seen(end, end, &heard_from)).outcome
    }

    #[test]
    fn who_lives_on_with_a_server_past_the_time_of_the_repeat_had_its_answer() {
        let asked = |times: u64, trying: bool, later: Option<f64>| {
            lived_on(vec![(times, sip_request("REGISTER", 1), None)], trying, later, None)
        };
        assert_eq!(asked(1, false, Some(30.0)), Outcome::Unclear);
        assert_eq!(asked(1, false, None), Outcome::Failed, "nothing shows that it lives on");
        assert_eq!(asked(1, false, Some(0.2)), Outcome::Failed, "it may still wait");
        assert_eq!(asked(2, false, Some(30.0)), Outcome::Failed, "it was not heard");
        assert_eq!((asked(1, true, Some(30.0)), asked(1, true, Some(2.0))), (Outcome::Unclear, Outcome::Failed), "100 Trying");
    }

    #[test]
    fn who_registers_anew_took_what_was_before_as_unanswered() {
        let asked = |call: &str, number: u32, answered: bool| {
            let request = sip::Message { call_id: call.into(), ..sip_request("REGISTER", number) };
            vec![(1, request, answered.then(|| sip_answer(200, number)))]
        };
        let before = |next| lived_on(asked("one", 1, false), false, Some(30.0), Some(next));
        assert_eq!(before(asked("one", 2, true)), Outcome::Unclear, "it refreshes its binding");
        assert_eq!(before(asked("one", 2, false)), Outcome::Failed, "nothing is answered");
        assert_eq!(before(asked("one", 1, true)), Outcome::Failed, "it does not count on");
        assert_eq!(before(asked("another", 2, true)), Outcome::Failed);
    }

    #[test]
    fn a_new_nonce_is_no_refusal_where_the_device_lives_on_with_it() {
        let told = |stale: bool, later: Option<f64>| {
            let given = sip::Message { credentials: vec![sip_auth("Digest")], ..sip_request("REGISTER", 2) };
            let challenge = sip::Message { challenges: vec![sip::Auth { stale, ..sip_auth("Digest") }], ..sip_answer(401, 2) };
            lived_on(vec![(1, given, Some(challenge))], false, later, None)
        };
        assert_eq!((told(true, Some(0.3)), told(false, Some(0.3))), (Outcome::Unclear, Outcome::Failed));
        assert_eq!(told(true, None), Outcome::Failed, "nothing shows that it lives on");
    }

    #[test]
    fn a_challenge_refuses_nobody_whose_credentials_the_capture_may_have_cut_off() {
        let told = |cut: bool, before: bool| {
            let asks = |number: u32| sip::Message { cut, ..sip_request("REGISTER", number) };
            let leg = |number: u32| (1, asks(number), Some(sip_answer(401, number)));
            lived_on(if before { vec![leg(1), leg(2)] } else { vec![leg(1)] }, false, None, None)
        };
        assert_eq!((told(true, false), told(false, false)), (Outcome::Unclear, Outcome::Failed));
        assert_eq!(told(true, true), Outcome::Failed, "it was challenged just before");
    }

    #[test]
    fn what_is_served_on_a_connection_and_cannot_be_read_is_no_drop() {
        let served = |cut: bool, later: f64| {
            let said = tcp(Purpose::Registrar).to("10.0.0.5", 5060).data(Side::Client, 819).data(Side::Server, 451);
            let said = if later > 0.0 { said.pause(later).data(Side::Client, 819).data(Side::Server, 451) } else { said };
            let said = if later > 0.0 { said } else { said.leaves(Side::Client, Close::Fin) };
            judged(said.change(move |connection| {
                (connection.stats.client.cut, connection.stats.server.cut) = (cut, cut);
            }))
        };
        assert_eq!((served(true, 0.0).stage, served(true, 0.0).outcome), (Stage::Register, Outcome::Unclear));
        assert_eq!(served(false, 0.0).stage, Stage::Connect, "it is whole, and no protocol reads it");
        assert_eq!(served(true, 120.0).signed_in, Some(LIVES_ON), "whom its registrar refuses it does not keep for so long");
        assert_eq!((served(true, 20.0).signed_in, served(false, 120.0).signed_in), (None, None));
    }

    #[test]
    fn whom_the_server_closes_on_after_a_rest_was_served_though_the_capture_cut_its_hello() {
        let served = |rested: f64| {
            let words = (0..3)
                .fold(tcp(Purpose::Registrar).to("10.0.0.5", 5061), |tcp, _| tcp.data(Side::Client, 655).data(Side::Server, 451));
            let said = words.pause(rested).leaves(Side::Server, Close::Rst).change(|connection| {
                (connection.stats.client.cut, connection.stats.server.cut) = (true, true);
                connection.cut_hello = connection.stats.client.first_data;
            });
            match said.into_step(1).kind {
                StepKind::Connection(connection) => connection.is_served_unread(),
                _ => false,
            }
        };
        assert_eq!((served(120.0), served(2.0)), (true, false));
    }

    #[test]
    fn of_a_handshake_of_which_the_capture_has_the_servers_side_alone_nothing_can_be_told() {
        let answered = |one_sided: bool| {
            let flight = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Server, Close::Rst);
            judged(flight.change(move |connection| {
                if one_sided {
                    connection.stats.client = Default::default();
                    connection.tls.as_mut().unwrap().client_hello = None;
                    connection.syn = None;
                }
            }))
            .outcome
        };
        assert_eq!((answered(true), answered(false)), (Outcome::Unclear, Outcome::Failed));
    }
}
