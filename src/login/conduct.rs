//! What a connection shows of what its device is: one that only tries ports of SIP, or one that is being provisioned. A
//! connection in, as it was recorded up to now; says nothing of what became of it.

use crate::device::facts::DeviceFacts;
use crate::event::{Event, What};
use crate::flow::{Signal, Transport};
use crate::model::{By, Side};
use crate::protocols::sip;
use crate::text::begins;

use super::record::Recorder;
use super::stages::{session, tls};
use super::steps::{Close, Connection, Handshake};

/// Ports that configuration is fetched from over HTTP.
const WEB: [u16; 6] = [80, 443, 6970, 6972, 8080, 8443];
/// DHCP options that say where configuration is: RFC 2132 section 9.4, RFC 5859, and by custom.
const CONFIGURATION: [u8; 4] = [66, TFTP_SERVERS, 159, 160];
const TFTP_SERVERS: u8 = 150;
/// DHCP vendor classes of computers that are started over the network: the same option names the server of their image.
const BOOTS: [&str; 2] = ["PXEClient", "HTTPClient"];

/// Adds what the event in hand shows of its device.
pub(super) fn learn(recorder: &Recorder, event: &Event, facts: &mut DeviceFacts) {
    let port = event.flow.server.port();
    let (at_sip, at_web) =
        (sip::PORTS.contains(&port) && !facts.conduct.asked, WEB.contains(&port) && !facts.conduct.is_provisioned);
    if event.flow.transport != Transport::Tcp || !at_sip && !at_web {
        return;
    }
    let Some(connection) = recorder.open_connection(&event.flow) else { return };
    if at_sip {
        at_port_of_sip(connection, facts);
    } else if matches!(event.what, What::Tcp(Signal::Syn { .. }, _)) {
        facts.conduct.is_provisioned = is_provisioned(connection, facts);
    }
}

fn at_port_of_sip(connection: &Connection, facts: &mut DeviceFacts) {
    let conduct = &mut facts.conduct;
    let Some(handshake) = connection.tls.as_deref() else {
        conduct.knocked |= knocks(connection);
        return;
    };
    conduct.asked |= handshake.client_asks();
    let over = connection.first_close().is_some() || handshake.fatal_alert().is_some();
    if !over || tls::is_partial(connection, handshake) {
        return;
    }
    if !handshake.client_went_through() {
        conduct.broke_off |= handshake.client_hello.is_some();
    } else if leaves_by_itself(connection, handshake) {
        conduct.shook_hands |= !handshake.client_asks();
    }
}

/// Is the connection taken and closed by the client without a word? One that has called again and again has given up before the
/// answer came.
fn knocks(connection: &Connection) -> bool {
    let client = &connection.stats.client;
    let silent = client.first_data.is_none() && client.uncaptured == 0 && connection.cut_hello.is_none();
    let left = match connection.first_close() {
        Some((_, Side::Client, Close::Fin)) => true,
        Some((_, Side::Client, Close::Rst)) => connection.syn_ack.is_some(),
        _ => false,
    };
    connection.syn.is_some() && client.syns <= 1 && silent && left
}

fn leaves_by_itself(connection: &Connection, handshake: &Handshake) -> bool {
    session::close(connection, Some(handshake)).is_some_and(|ending| ending.by == By::Device)
}

/// Is it at the very server that its own lease names for its configuration, having asked for that? Not everybody who is told was
/// meant: some servers say it to all.
fn is_provisioned(connection: &Connection, facts: &DeviceFacts) -> bool {
    let asked = CONFIGURATION.iter().any(|option| facts.parameter_list.contains(option));
    let boots = facts.vendor_classes.iter().any(|class| BOOTS.iter().any(|boots| begins(class.raw(), boots)));
    let lease = facts.lease.as_ref().filter(|_| asked && !boots);
    let (Some((_, lease)), Some(server)) = (lease, connection.flow.server_ip()) else { return false };
    let (address, name) = (server.to_string(), connection.name.as_ref().map(|name| name.raw().trim_end_matches('.')));
    let is_it = |host: &String| *host == address || name.is_some_and(|name| name.eq_ignore_ascii_case(host));
    lease.configuration_hosts().iter().any(is_it) || lease.addresses(TFTP_SERVERS).iter().any(|one| *one == server)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device::conduct::Conduct;
    use crate::findings::testing::*;
    use crate::login::steps::{Purpose, StepKind};
    use crate::model::At;
    use crate::protocols::dhcp;
    use crate::text::WireText;

    fn connection(tcp: Tcp) -> Connection {
        let StepKind::Connection(connection) = tcp.into_step(1).kind else { panic!("no connection") };
        *connection
    }

    /// Is one who opened these connections to a port of SIP, and nothing else, one that only tries it?
    fn only_tries(connections: Vec<Tcp>) -> bool {
        let mut facts = DeviceFacts::default();
        connections.into_iter().for_each(|tcp| at_port_of_sip(&connection(tcp), &mut facts));
        facts.conduct.only_tries_ports()
    }

    fn opens() -> Tcp {
        tcp(Purpose::Registrar)
    }

    fn shakes_hands() -> Tcp {
        opens().hello().server_flight(vec![leaf()]).client_finished().server_finished()
    }

    fn shakes_hands_1_3() -> Tcp {
        opens().hello().server_hello(0x0304, 0x1301).sealed(Side::Server, 1_900).sealed(Side::Client, 53)
    }

    #[test]
    fn who_opens_the_port_and_leaves_without_a_word_only_tries_it() {
        assert!(only_tries(vec![opens().leaves(Side::Client, Close::Rst)]));
        assert!(only_tries(vec![
            opens().leaves(Side::Client, Close::Fin),
            syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)
        ]));
        assert!(!only_tries(vec![syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)]), "it may not come further");
        assert!(!only_tries(vec![syn(Purpose::Registrar).syn_again(3)]));
        assert!(!only_tries(vec![opens().leaves(Side::Server, Close::Fin)]), "it is shown the door");
        assert!(!only_tries(vec![opens().data(Side::Client, 400).leaves(Side::Client, Close::Fin)]));
        assert!(!only_tries(vec![opens()]), "it is still there");
    }

    #[test]
    fn who_comes_through_the_handshake_and_leaves_without_a_word_only_tries_the_port() {
        assert!(only_tries(vec![shakes_hands().leaves(Side::Client, Close::Fin)]));
        assert!(only_tries(vec![shakes_hands().encrypted_alert(Side::Client).leaves(Side::Server, Close::Fin)]));
        assert!(only_tries(vec![shakes_hands_1_3().sealed(Side::Server, 250).leaves(Side::Client, Close::Fin)]));
        assert!(only_tries(vec![shakes_hands_1_3().sealed(Side::Client, 19).leaves(Side::Client, Close::Fin)]));
        assert!(!only_tries(vec![shakes_hands().encrypted(Side::Client).leaves(Side::Client, Close::Fin)]));
        assert!(!only_tries(vec![shakes_hands_1_3().sealed(Side::Client, 400).leaves(Side::Client, Close::Fin)]));
        assert!(!only_tries(vec![shakes_hands().leaves(Side::Server, Close::Fin)]));
    }

    #[test]
    fn an_empty_line_is_no_request() {
        let says =
            |length: u16| shakes_hands_1_3().sealed(Side::Client, 53).sealed(Side::Client, length).sealed(Side::Client, 19);
        assert!(only_tries(vec![says(18).leaves(Side::Client, Close::Fin)]));
        assert!(only_tries(vec![says(21).leaves(Side::Client, Close::Fin)]), "a ping (RFC 5626 section 3.5.1)");
        assert!(!only_tries(vec![says(300).leaves(Side::Client, Close::Fin)]));
    }

    #[test]
    fn a_device_that_refuses_the_certificate_wants_more_than_to_try_the_port() {
        let refuses = || opens().hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin);
        let says_why = || opens().hello().server_flight(vec![leaf()]).alert(Side::Client, 2, 48);
        let sealed = || opens().hello().server_hello(0x0304, 0x1301).sealed(Side::Server, 1_900).sealed(Side::Client, 19);
        assert!(!only_tries(vec![refuses(), refuses()]));
        assert!(!only_tries(vec![says_why(), opens().leaves(Side::Client, Close::Fin)]));
        assert!(!only_tries(vec![sealed().leaves(Side::Client, Close::Fin)]));
        assert!(only_tries(vec![shakes_hands().leaves(Side::Client, Close::Fin), refuses()]), "it takes that certificate");
        let registers = shakes_hands().encrypted(Side::Client).encrypted(Side::Server);
        assert!(!only_tries(vec![shakes_hands().leaves(Side::Client, Close::Fin), registers]));
    }

    #[test]
    fn where_the_capture_lost_what_was_said_nothing_is_seen() {
        let lost = |tcp: Tcp| tcp.change(|connection| connection.stats.client.uncaptured = 300).leaves(Side::Client, Close::Fin);
        assert!(!only_tries(vec![lost(opens())]));
        assert!(!only_tries(vec![lost(shakes_hands())]));
        let half_heard = |said: &[u16]| {
            let says = |tcp: Tcp, length: &u16| tcp.sealed(Side::Client, *length);
            said.iter().fold(opens().hello().sealed(Side::Server, 250), says).leaves(Side::Client, Close::Fin)
        };
        let comes_through = || shakes_hands_1_3().leaves(Side::Client, Close::Fin);
        assert!(only_tries(vec![half_heard(&[53, 53]), comes_through()]), "a Finished and an alert");
        assert!(!only_tries(vec![half_heard(&[53, 400, 19]), comes_through()]));
        let begun_before = opens().change(|connection| connection.syn = None).leaves(Side::Client, Close::Fin);
        assert!(!only_tries(vec![begun_before]));
    }

    /// Is a device that asked for these options, and was told these, provisioned by the web server that it turns to?
    fn provisioned(class: &str, asked: &[u8], told: &[(u8, &[u8])], web: Tcp) -> bool {
        let lease = (At::default(), Arc::new(dhcp_message(dhcp::kind::ACK, told)));
        let vendor_classes = vec![WireText::from(class)];
        let facts = DeviceFacts { vendor_classes, parameter_list: asked.to_vec(), lease: Some(lease), ..DeviceFacts::default() };
        is_provisioned(&connection(web), &facts)
    }

    #[test]
    fn who_turns_to_the_server_that_its_lease_names_for_the_configuration_is_provisioned() {
        let web = || syn(Purpose::Other).to("10.0.0.7", 80);
        let phone = [1, 3, 6, 15, 66];
        assert!(provisioned("", &phone, &[(66, b"http://10.0.0.7")], web()));
        assert!(provisioned("", &phone, &[(66, b"cfg.contoso.com")], web().named("CFG.contoso.com.")));
        assert!(provisioned("", &[1, 3, 150], &[(150, &[10, 0, 0, 6, 10, 0, 0, 7])], web()));
        assert!(!provisioned("", &phone, &[(66, b"10.0.0.9")], web()), "that is another server");
        assert!(!provisioned("", &phone, &[(67, b"10.0.0.7")], web()));
        assert!(!provisioned("", &[1, 3, 6, 15, 31, 43], &[(66, b"10.0.0.7")], web()), "a browser, told what it did not ask for");
        assert!(!provisioned("PXEClient:Arch:00007", &phone, &[(66, b"10.0.0.7")], web()), "a PC that is started from there");
    }

    #[test]
    fn what_is_seen_of_two_names_of_a_device_is_seen_of_it() {
        let knocked = Conduct { knocked: true, ..Conduct::default() };
        let mut facts = DeviceFacts { conduct: knocked, ..DeviceFacts::default() };
        facts.join(DeviceFacts { conduct: Conduct { asked: true, ..Conduct::default() }, ..DeviceFacts::default() });
        assert_eq!(facts.conduct, Conduct { asked: true, ..knocked });
        assert!(!facts.conduct.only_tries_ports());
    }
}
