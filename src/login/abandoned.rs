//! The exchanges of an attempt that the device gave up without a failure that shows in; out: where it stood when it started over.
//! Knows nothing of where attempts begin.

use std::net::IpAddr;

use crate::model::{At, By, DropPoint, How, Outcome, SECOND, Side, Stage};
use crate::protocols::dhcp::option;

use super::drops::{is_beside_registering, may_have_succeeded};
use super::stages::connect;
use super::steps::{self, COMES_TO_REST, Lease, Purpose, Step, StepKind};
use super::target::{errand, is_main_road};

/// DHCP options by which a phone asks for its configuration server, and for nothing else.
const CONFIGURATION: [u8; 5] = [66, 150, 159, 160, 242];

/// The device started over without a failure that shows: its last answer is the last that it had. Nobody `goes_back` to the
/// beginning of a login that went well, whatever the capture lacks.
pub(super) fn abandoned(steps: &[Step], sessions: &[bool], goes_back: bool) -> Option<(usize, DropPoint)> {
    if let Some(session) = sessions.iter().rposition(|signed_in| *signed_in) {
        return restarted_soon(steps.get(session)?).map(|drop| (session, drop));
    }
    // The time is asked for at any moment: it is no further along than the address.
    let along = |step: &Step| match step.purpose {
        Purpose::Clock => (errand(Purpose::Address), Stage::Address),
        purpose => (errand(purpose), step.stage),
    };
    let main = steps.iter().enumerate().filter(|(_, step)| is_main_road(step));
    let (index, step) = main.max_by_key(|(_, step)| (along(step), step.last))?;
    let (_, stage) = along(step);
    // Who asks all hosts for a configuration server, or is told of none by DHCP, is past its address.
    let at_configuration = steps.iter().any(asks_all_hosts) || is_told_of_no_server(steps);
    let stage = if stage == Stage::Address && at_configuration { Stage::Provision } else { stage };
    if !goes_back && may_have_succeeded(step) || is_beside_registering(step) || lacks_the_device(step) {
        return None;
    }
    // Where nothing ever came back, the capture may have one direction only.
    let at = last_answer(step)?;
    // An image that came whole after all that is what the device started over with.
    let images = steps.iter().enumerate().filter_map(|(index, step)| Some((index, step, image(step)?)));
    let image = images.filter(|(_, _, whole)| *whole > at).max_by_key(|(_, _, whole)| *whole);
    if let Some((index, step, whole)) = image {
        return Some((index, DropPoint { stage: step.stage, by: By::Device, how: How::Abandoned, at: whole }));
    }
    // One that restarts while an image comes was still at what its servers had for it.
    let coming =
        steps.iter().enumerate().filter_map(|(index, step)| Some((index, image_coming(step).filter(|last| *last > at)?)));
    if errand(step.purpose) <= errand(Purpose::Provision)
        && let Some((index, at)) = coming.max_by_key(|(_, last)| *last)
    {
        return Some((index, DropPoint { stage: Stage::Provision, by: By::Device, how: How::Abandoned, at }));
    }
    if errand(step.purpose) <= errand(Purpose::Clock)
        && let Some((index, step, at)) = only_update(steps, at)
    {
        return Some((index, DropPoint { stage: step.stage, by: By::Device, how: How::Abandoned, at }));
    }
    if let Some((index, on_link, at)) = in_vain_on_link(steps) {
        return Some((index, DropPoint { stage: on_link.unwrap_or(stage), by: By::Unknown, how: How::Timeout, at }));
    }
    let (at, how) = left_in_view(step).unwrap_or((at, How::Abandoned));
    Some((index, DropPoint { stage, by: By::Device, how, at }))
}

/// Has the capture nothing of what the device said on this connection, on which its server answers it? Then it may have gone well.
fn lacks_the_device(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    let (client, server) = (&connection.stats.client, &connection.stats.server);
    client.last.is_none() && client.syns == 0 && server.first_data.is_some()
}

/// The host on its own link for whose MAC the device asks last, again and again: nobody does so who is answered (RFC 1122 section
/// 2.3.2.1), wherever the capture was made. With the stage that stands on that host, where it shows.
fn in_vain_on_link(steps: &[Step]) -> Option<(usize, Option<Stage>, At)> {
    const AGAIN_AND_AGAIN: usize = 3;
    const PAUSE: i64 = 5 * SECOND;
    let (index, step) = steps.iter().enumerate().max_by_key(|(_, step)| step.last)?;
    let StepKind::Neighbour(neighbour) = &step.kind else { return None };
    let [first, .., last] = neighbour.requests.as_slice() else { return None };
    let pauses = i64::try_from(neighbour.requests.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let in_a_row = last.time.since(first.time) <= PAUSE.saturating_mul(pauses);
    // Who asks for the MAC of a host elsewhere has no router.
    let on_link = steps.iter().any(|step| is_on_network(step, neighbour.address));
    if neighbour.reply.is_some() || neighbour.requests.len() < AGAIN_AND_AGAIN || !in_a_row || !on_link {
        return None;
    }
    let is_it = |address: &IpAddr| *address == neighbour.address;
    let serves = |step: &Step| match &step.kind {
        StepKind::Lease(lease) => {
            let servers = lease.acks.iter().flat_map(|(_, ack)| ack.addresses(option::NAME_SERVERS));
            servers.map(IpAddr::V4).any(|server| is_it(&server)).then_some(Stage::Names)
        }
        // A name that led nowhere does not show what it was for; a device that starts over for want of it needed its registrar.
        StepKind::Lookup(lookup) if matches!(step.purpose, Purpose::Registrar | Purpose::Other) => {
            lookup.addresses().any(|address| is_it(&address)).then_some(Stage::Connect)
        }
        _ => None,
    };
    Some((index, steps.iter().find_map(serves), *last))
}

/// Does this lease give an address on the network of that host?
fn is_on_network(step: &Step, host: IpAddr) -> bool {
    let (StepKind::Lease(lease), IpAddr::V4(host)) = (&step.kind, host) else { return false };
    lease.acks.iter().any(|(_, ack)| {
        let mask = ack.addresses(option::MASK).first().map(|mask| mask.to_bits());
        mask.is_some_and(|mask| ack.your.to_bits() & mask == host.to_bits() & mask)
    })
}

/// The last question for an update, which failed, where a device asked for nothing else after its address and the time.
fn only_update(steps: &[Step], after: At) -> Option<(usize, &Step, At)> {
    let later =
        || steps.iter().enumerate().filter(|(_, step)| step.first > after && !matches!(step.kind, StepKind::Neighbour(_)));
    let (index, step) = later().max_by_key(|(_, step)| step.last)?;
    let ending = step.ending.filter(|_| step.outcome == Outcome::Failed)?;
    later().all(|(_, step)| step.purpose == Purpose::Update).then_some((index, step, ending.at))
}

/// How and when the device itself closed a connection of which the capture lacks what it came to.
fn left_in_view(step: &Step) -> Option<(At, How)> {
    let StepKind::Connection(connection) = &step.kind else { return None };
    let (at, side, close) = connection.first_close()?;
    (side == Side::Client && may_have_succeeded(step)).then_some((at, connect::how(close)))
}

/// Did the device ask all hosts for a configuration server, from this address?
pub(super) fn asks_all_hosts(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Lease(lease) if lease.plug_and_play.is_some())
}

/// Has the device a lease for which it asked where its configuration is, and that does not say it, and does it look for nothing else
/// from there but the time? Who does not come to that may still be on its way to another address or VLAN.
fn is_told_of_no_server(steps: &[Step]) -> bool {
    let asks = |lease: &Lease| lease.parameter_list.iter().any(|code| CONFIGURATION.contains(code));
    let leases = || steps.iter().filter_map(|step| if let StepKind::Lease(lease) = &step.kind { Some(lease) } else { None });
    let answers = || leases().flat_map(|lease| lease.acks.iter());
    let keeps = leases().all(|lease| lease.informs.is_empty() && lease.releases.is_empty());
    let told = answers().any(|(_, ack)| ack.cut || ack.names_configuration());
    let asks_for_time = steps.iter().any(|step| matches!(step.kind, StepKind::Clock(_)));
    let waits =
        asks_for_time && steps.iter().all(|step| matches!(step.purpose, Purpose::Access | Purpose::Address | Purpose::Clock));
    waits && keeps && !told && answers().next().is_some() && leases().any(|lease| asks(lease))
}

/// The device had signed in, nobody had closed the session, and it starts from nothing before it has come to rest.
pub(super) fn restarted_soon(session: &Step) -> Option<DropPoint> {
    let at = last_answer(session).filter(|_| session.ending.is_none())?;
    let soon = at.time.since(session.first.time) <= COMES_TO_REST;
    soon.then_some(DropPoint { stage: Stage::Session, by: By::Device, how: How::Abandoned, at })
}

/// When the image came whole that this step fetched.
fn image(step: &Step) -> Option<At> {
    if step.purpose != Purpose::Update {
        return None;
    }
    match &step.kind {
        StepKind::File(transfer) => transfer.complete,
        StepKind::Connection(connection) => {
            let answers = connection.http.iter().filter_map(|exchange| exchange.response.as_ref());
            answers.filter(|(_, response)| response.code == 200 && response.body.arrived).map(|(at, _)| *at).max()
        }
        _ => None,
    }
}

/// When the last came of an image that the device was still fetching.
pub(super) fn image_coming(step: &Step) -> Option<At> {
    if step.purpose != Purpose::Update {
        return None;
    }
    match &step.kind {
        StepKind::File(transfer) if transfer.complete.is_none() && transfer.error.is_none() && transfer.aborted.is_none() => {
            transfer.last_answer.filter(|_| transfer.accepted.is_some())
        }
        StepKind::Connection(connection) => {
            let (_, response) = connection.http.last()?.response.as_ref()?;
            let is_left = connection.first_close().is_some_and(|(_, side, _)| side == Side::Client);
            let comes = response.code == 200 && !response.body.arrived && !is_left;
            connection.last_answer.or(connection.stats.server.last_data).filter(|_| comes)
        }
        _ => None,
    }
}

fn last_answer(step: &Step) -> Option<At> {
    match &step.kind {
        StepKind::Port(port) => port.success.or(port.failure).or(port.requests.last().map(|(at, _)| *at)),
        StepKind::Lease(lease) => lease.acks.iter().chain(&lease.offers).map(|(at, _)| *at).max(),
        StepKind::LeaseV6(lease) => lease.replies.iter().chain(&lease.advertises).map(|(at, _)| *at).max(),
        StepKind::File(transfer) => transfer.complete.or(transfer.last_answer).max(transfer.error.as_ref().map(|(at, _, _)| *at)),
        StepKind::Neighbour(neighbour) => neighbour.reply.map(|(at, _)| at),
        StepKind::Lookup(lookup) => lookup.answer.as_ref().map(|answer| answer.at),
        StepKind::Clock(clock) => clock.answers.last().map(|(at, _)| *at),
        StepKind::Connection(connection) => {
            let http = connection.http.iter().filter_map(|exchange| exchange.response.as_ref()).map(|(at, _)| *at).max();
            let directory = steps::last_answer(&connection.ldap, &connection.kerberos);
            http.or(directory).or(connection.stats.server.last_data).or(connection.syn_ack)
        }
        StepKind::Inquiry(inquiry) => inquiry.last_answer(),
        StepKind::Registration(registration) => {
            registration.transactions.iter().filter_map(|transaction| transaction.answer.as_ref()).map(|(at, _)| *at).max()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::file;
    use crate::findings::testing::{IntoStep, at_second, lease, lookup, ntp_exchange, router as router_asked, tcp};
    use crate::login::steps::Close;

    /// Where a device stands that asks for the MAC of a host on its link at last, at these seconds.
    fn asks_on_link(host: [u8; 4], seconds: &[f64]) -> (Stage, By, How) {
        let mut asked = router_asked(seconds.len() as u64, false).into_step(60);
        if let StepKind::Neighbour(neighbour) = &mut asked.kind {
            (neighbour.router, neighbour.address) = (false, host.into());
            neighbour.requests = (60..).zip(seconds).map(|(frame, second)| at_second(frame, *second)).collect();
        }
        asked.ending = None;
        let found = Step { purpose: Purpose::Registrar, ..lookup("_sip._tcp.contoso.com").address("10.0.4.99").into_step(40) };
        let leased = lease(&[(1, &[255, 255, 255, 0]), (6, &[10, 0, 4, 53])]).into_step(1);
        let steps = [leased, found, asked];
        let (_, drop) = abandoned(&steps, &[false; 3], true).expect("a drop");
        (drop.stage, drop.by, drop.how)
    }

    #[test]
    fn who_asks_for_a_host_on_its_link_again_and_again_stands_before_that() {
        let silence = |stage: Stage| (stage, By::Unknown, How::Timeout);
        assert_eq!(asks_on_link([10, 0, 4, 53], &[1.0, 2.0, 3.0, 4.0]), silence(Stage::Names));
        assert_eq!(asks_on_link([10, 0, 4, 99], &[1.0, 2.0, 3.0, 4.0]), silence(Stage::Connect));
        assert_eq!(asks_on_link([10, 0, 4, 77], &[1.0, 2.0, 3.0]).2, How::Timeout);
        assert_eq!(asks_on_link([10, 0, 0, 99], &[1.0, 2.0, 3.0, 4.0]).2, How::Abandoned, "elsewhere: it has no router");
        assert_eq!(asks_on_link([10, 0, 4, 99], &[1.0, 2.0]).2, How::Abandoned, "once or twice proves nothing");
        assert_eq!(asks_on_link([10, 0, 4, 99], &[1.0, 60.0, 120.0]).2, How::Abandoned, "now and then");
    }

    #[test]
    fn of_a_device_that_the_capture_does_not_hear_nothing_tells_where_it_gave_up() {
        let gives_up = |heard: bool| {
            let served = tcp(Purpose::Registrar).hello().data(Side::Server, 900).change(move |connection| {
                if !heard {
                    (connection.stats.client.last, connection.stats.client.syns, connection.syn) = (None, 0, None);
                }
            });
            abandoned(&[served.into_step(1)], &[false], true).is_some()
        };
        assert!(gives_up(true) && !gives_up(false));
    }

    /// Where a device stands that has this after its lease and the time, and starts over.
    fn stands(leased: Step, after: Vec<Step>) -> (Stage, bool) {
        let clock = Step { purpose: Purpose::Clock, ..ntp_exchange(1, &[(0, 2, leased.last.time)]).into_step(20) };
        let steps: Vec<Step> = [leased, clock].into_iter().chain(after).collect();
        let (_, drop) = abandoned(&steps, &vec![false; steps.len()], true).expect("a drop");
        (drop.stage, drop.at == steps.last().expect("a step").last)
    }

    #[test]
    fn who_asks_for_an_update_alone_in_vain_was_at_that_when_it_started_over() {
        let update = |found: bool| {
            let asked = lookup("ucupdates-r2.contoso.com");
            let asked = if found { asked.address("10.0.0.5") } else { asked.rcode(3) };
            let step = Step { purpose: Purpose::Update, ..asked.into_step(30) };
            let ending = crate::login::steps::Ending { by: By::Server, how: How::Rejected, at: step.last };
            let (outcome, ending) = if found { (Outcome::Ok, None) } else { (Outcome::Failed, Some(ending)) };
            Step { outcome, ending, ..step }
        };
        let other = || Step { purpose: Purpose::Other, ..lookup("www.contoso.com").address("10.0.0.8").into_step(40) };
        assert_eq!(stands(lease(&[]).into_step(1), vec![update(false)]), (Stage::Names, true));
        assert_eq!(stands(lease(&[]).into_step(1), vec![update(true)]), (Stage::Address, false), "it found it");
        assert_eq!(stands(lease(&[]).into_step(1), vec![update(false), other()]), (Stage::Address, false), "it went on");
    }

    #[test]
    fn who_has_the_time_and_is_told_of_no_configuration_server_was_at_its_configuration() {
        let leased = |options: &[(u8, &[u8])], asked: &'static [u8]| {
            let mut step = lease(options).act(move |lease, _| lease.parameter_list = asked.to_vec()).into_step(1);
            let StepKind::Lease(lease) = &mut step.kind else { panic!("no lease") };
            for (_, ack) in &mut lease.acks {
                std::sync::Arc::make_mut(ack).server = std::net::Ipv4Addr::UNSPECIFIED;
            }
            step
        };
        assert_eq!(stands(leased(&[], &[1, 3, 66, 160]), Vec::new()).0, Stage::Provision);
        assert_eq!(stands(leased(&[(66, b"10.0.0.7")], &[1, 3, 66, 160]), Vec::new()).0, Stage::Address, "it was told");
        assert_eq!(stands(leased(&[], &[1, 3]), Vec::new()).0, Stage::Address, "it does not ask");
        let steps = [leased(&[], &[1, 3, 66])];
        assert_eq!(abandoned(&steps, &[false], true).map(|(_, drop)| drop.stage), Some(Stage::Address), "it came to nothing yet");
    }

    #[test]
    fn who_is_seen_to_leave_has_left_so_though_the_capture_lacks_what_was_said() {
        let ends = |leaves: Option<(Side, Close)>| {
            let hello = tcp(Purpose::Registrar).hello().data(Side::Server, 1460);
            let holed = hello.change(|connection| connection.stats.server.uncaptured = 633);
            let mut step = match leaves {
                Some((side, close)) => holed.leaves(side, close).into_step(1),
                None => holed.into_step(1),
            };
            (step.outcome, step.ending) = (Outcome::Unclear, None);
            abandoned(&[step], &[false], true).map(|(_, drop)| (drop.by, drop.how))
        };
        assert_eq!(ends(Some((Side::Client, Close::Rst))), Some((By::Device, How::Rst)));
        assert_eq!(ends(Some((Side::Server, Close::Fin))), Some((By::Device, How::Abandoned)), "it may have answered an alert");
        assert_eq!(ends(None), Some((By::Device, How::Abandoned)));
    }

    #[test]
    fn who_starts_over_while_it_asks_all_hosts_for_a_server_was_at_its_configuration() {
        use crate::findings::testing::{at, lease, ntp_exchange};
        let stage = |asked: Option<u64>| {
            let leased = lease(&[]).act(move |lease, _| lease.plug_and_play = asked.map(at)).into_step(1);
            let clock = ntp_exchange(1, &[(0, 2, at(20).time)]).into_step(20);
            abandoned(&[leased, clock], &[false, false], true).map(|(_, drop)| drop.stage)
        };
        assert_eq!((stage(Some(30)), stage(None)), (Some(Stage::Provision), Some(Stage::Address)));
    }

    #[test]
    fn a_download_that_breaks_off_ends_with_the_last_block_that_came() {
        let ends = |step: Step| abandoned(&[step], &[false], false).map(|(_, drop)| (drop.how, drop.at.frame.number()));
        assert_eq!(ends(file("startup.cfg").block().block().block().into_step(1)), Some((How::Abandoned, 4)));
        assert_eq!(ends(file("startup.cfg").into_step(1)), None, "nothing came");
    }

    #[test]
    fn who_restarts_while_an_image_comes_was_still_at_its_configuration() {
        use crate::findings::testing::lease;
        let stage = |whole: bool, leaves: bool| {
            let image = tcp(Purpose::Update).get("/fw/big.rom").answer_with(200, move |response| response.body.arrived = whole);
            let image = image.data(Side::Server, 20_000);
            let image = if leaves { image.leaves(Side::Client, Close::Fin) } else { image }.into_step(20);
            let image = Step { stage: Stage::Update, ending: None, ..image };
            let last = image.last;
            let (index, drop) = abandoned(&[lease(&[]).into_step(1), image], &[false, false], true).unwrap();
            (index, drop.stage, drop.at == last)
        };
        assert_eq!(stage(false, false), (1, Stage::Provision, true));
        assert_eq!(stage(false, true), (0, Stage::Address, false), "it had given the image up");
        assert_eq!(stage(true, false).1, Stage::Update, "it starts over with the image");
    }

    #[test]
    fn who_was_served_with_what_the_capture_cut_did_not_give_up() {
        let gives_up = |cut: bool, port: u16, closer: Side| {
            let said = tcp(Purpose::Registrar).to("10.0.0.5", port).data(Side::Client, 819).data(Side::Server, 451);
            let said = said.change(move |connection| connection.stats.client.cut = cut);
            let mut step = said.leaves(closer, Close::Fin).into_step(1);
            (step.outcome, step.ending) = (Outcome::Unclear, None);
            abandoned(&[step], &[false], false).is_some()
        };
        assert!(!gives_up(true, 5060, Side::Client));
        assert!(gives_up(false, 5060, Side::Client), "it is whole, and nothing that a registrar would say");
        assert!(gives_up(true, 5061, Side::Client), "of TLS, that is the handshake alone");
        assert!(gives_up(true, 5060, Side::Server), "the server has left it");
    }
}
