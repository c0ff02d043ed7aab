//! What the words of the vocabulary are called in a sentence.

use crate::model::{By, DropPoint, How, Stage, Time};
use crate::verdict::{AttemptSummary, DeviceAnalysis};

/// A stage, as people in the trade name it.
pub(in crate::report) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Link => "link (VLAN, 802.1X)",
        Stage::Address => "address (DHCP)",
        Stage::Names => "names (DNS)",
        Stage::Time => "time (NTP)",
        Stage::Provision => "provision (configuration files)",
        Stage::Directory => "directory (domain controller)",
        Stage::Enrolment => "enrolment (CA certificates)",
        Stage::Connect => "connect (TCP to the registrar)",
        Stage::Tls => "tls (handshake with the registrar)",
        Stage::Register => "register (SIP)",
        Stage::Session => "session (after registration)",
        Stage::Update => "update (device update)",
    }
}

/// A stage in a word or two, for a headline.
pub(in crate::report) fn short_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Tls => "TLS",
        other => other.word(),
    }
}

/// A length of time, as people say it.
pub(in crate::report) fn seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown time".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round().min(1e15) as u64;
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A time, to the second, without what a machine needs.
pub(in crate::report) fn clock(time: Time) -> String {
    time.whole_seconds().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// From one time to another, to the second.
pub(in crate::report) fn period(first: Time, last: Time) -> String {
    let (first_text, last_text) = (clock(first), clock(last));
    let same_day = match (first_text.split_once(' '), last_text.split_once(' ')) {
        (Some((first_day, _)), Some((last_day, last_clock))) if first_day == last_day => Some(last_clock),
        _ => None,
    };
    let length = seconds(last.seconds_since(first));
    format!("{first_text} to {} UTC ({length})", same_day.unwrap_or(&last_text))
}

/// A confidence, in a hundred.
pub(in crate::report) fn sure(confidence: f32) -> String {
    format!("{:.0} % sure", confidence.clamp(0.0, 1.0) * 100.0)
}

/// A confidence between 0 and 1 with two digits: more would claim what nobody knows.
pub(in crate::report) fn two_digits(confidence: f32) -> f64 {
    (f64::from(confidence.clamp(0.0, 1.0)) * 100.0).round() / 100.0
}

/// `1 attempt`, `7 attempts`.
pub(in crate::report) fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ if one.ends_with('x') => format!("{count} {one}es"),
        _ => format!("{count} {one}s"),
    }
}

/// Who ended an attempt, how, and in which frame. `peer` is the other side, where it is known.
pub(in crate::report) fn ending(drop: &DropPoint, peer: Option<&str>) -> String {
    let frame = drop.at.frame;
    let with = peer.map(|peer| format!(" ({peer})")).unwrap_or_default();
    let who = match drop.by {
        By::Device => "the device",
        By::Server => "the server",
        By::Network => "the network",
        By::Unknown => "nobody that the capture shows",
    };
    match drop.how {
        How::Alert => format!("{who}, with a TLS alert in frame {frame}{with}"),
        How::Fin => format!("{who}, with a TCP FIN in frame {frame}{with}"),
        How::Rst => format!("{who}, with a TCP RST in frame {frame}{with}"),
        How::Icmp => format!("{who}, with an ICMP message in frame {frame}{with}"),
        How::Rejected => format!("{who}, with a refusal in frame {frame}{with}"),
        How::Abandoned => format!("{who}, which went no further than frame {frame}{with}"),
        How::Timeout if drop.by == By::Unknown => {
            format!("silence: nothing answered frame {frame}{with}, and the capture does not show who lost it")
        }
        How::Timeout => format!("{who}, by silence: no answer to frame {frame} came through{with}"),
    }
}

/// By what a device is known: its MAC, else its address.
pub(in crate::report) fn address(device: &DeviceAnalysis) -> String {
    match (device.mac, device.ips.first()) {
        (Some(mac), _) => mac.to_string(),
        (None, Some(ip)) => ip.to_string(),
        (None, None) => "unknown address".to_owned(),
    }
}

/// What a device is, as far as that is known.
pub(in crate::report) fn kind(device: &DeviceAnalysis) -> String {
    let title = device.profile.as_ref().map(|(_, title)| title.as_str());
    match (&device.name, title) {
        (Some(name), Some(title)) if name.raw() != title => format!("{name} ({title})"),
        (Some(name), _) => name.to_string(),
        (None, Some(title)) => title.to_owned(),
        (None, None) => "device of unknown make".to_owned(),
    }
}

/// A display filter for everything that the device sends and receives.
pub(in crate::report) fn device_filter(device: &DeviceAnalysis) -> Option<String> {
    let mac = device.mac.map(|mac| format!("eth.addr == {mac}"));
    let ips = device.ips.iter().map(|ip| if ip.is_ipv4() { format!("ip.addr == {ip}") } else { format!("ipv6.addr == {ip}") });
    let terms: Vec<String> = mac.into_iter().chain(ips).collect();
    (!terms.is_empty()).then(|| terms.join(" || "))
}

/// A display filter for one attempt of the device.
pub(in crate::report) fn attempt_filter(device: &DeviceAnalysis, attempt: &AttemptSummary) -> String {
    let frames = format!("frame.number >= {} && frame.number <= {}", attempt.first.frame.place(), attempt.last.frame);
    match device_filter(device) {
        Some(filter) => format!("{frames} && ({filter})"),
        None => frames,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let said: Vec<String> = [0.44, 9.97, 62.4, 119.6, 200.0, 7260.0, f64::NAN].into_iter().map(seconds).collect();
        assert_eq!(said, ["0.4 s", "10 s", "62 s", "2 min 0 s", "3 min 20 s", "2 h 1 min", "unknown time"]);
    }
}
