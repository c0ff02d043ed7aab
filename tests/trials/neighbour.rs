//! A host that talks beside all else: the same capture with its look-ups in between. What a phone did is the same whoever else is
//! in the capture, and however often the program is led to look whether an attempt is over.

/// The address of the host.
pub(crate) const HOST: &str = "198.51.100.7";
/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;
/// What a phone waits for comes within this time.
const OVER: u64 = 40 * SECOND;
/// Look-ups that are added to a capture, at most.
const LOOK_UPS: u64 = 2_000;

/// A capture with a host more, and how many of its frames stand before each of those that were there.
pub(crate) struct Beside {
    pub(crate) capture: Vec<u8>,
    added: Vec<u64>,
}

impl Beside {
    /// Adds the host to an Ethernet capture in the pcap format of this byte order; none where it is something else, or so short
    /// that nothing in it can be over.
    pub(crate) fn new(capture: &[u8]) -> Option<Self> {
        let header = capture.get(..24)?;
        let scale = match header.get(..4)? {
            [0xd4, 0xc3, 0xb2, 0xa1] => 1_000,
            [0x4d, 0x3c, 0xb2, 0xa1] => 1,
            _ => return None,
        };
        if word(header, 20)? != 1 {
            return None;
        }
        let records = records(capture.get(24..)?);
        let time = |record: &[u8]| Some(u64::from(word(record, 0)?) * SECOND + u64::from(word(record, 4)?) * scale);
        let times: Vec<u64> = records.iter().filter_map(|record| time(record)).collect();
        let (first, last) = (*times.iter().min()?, *times.iter().max()?);
        if last - first < OVER {
            return None;
        }
        let pause = SECOND.max((last - first) / LOOK_UPS);
        let mut beside = Self { capture: header.to_vec(), added: Vec::new() };
        let (mut number, mut due) = (0_u64, first + pause / 2);
        for (record, time) in records.iter().zip(times) {
            while due <= time {
                for answer in [false, true] {
                    let frame = look_up(number as u16, answer);
                    let (seconds, rest) = ((due / SECOND) as u32, (due % SECOND / scale) as u32);
                    for field in [seconds, rest, frame.len() as u32, frame.len() as u32] {
                        beside.capture.extend(field.to_le_bytes());
                    }
                    beside.capture.extend(frame);
                }
                (number, due) = (number + 1, due + pause);
            }
            beside.capture.extend_from_slice(record);
            beside.added.push(2 * number);
        }
        Some(beside)
    }

    /// The number that a frame had before.
    pub(crate) fn before(&self, frame: u64) -> Option<u64> {
        (1..)
            .zip(&self.added)
            .map(|(number, added)| (number, number + added))
            .find(|(_, now)| *now == frame)
            .map(|(number, _)| number)
    }
}

/// A record is its header and its frame.
fn records(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some(length) = word(rest, 8) {
        let Some((record, others)) = rest.split_at_checked(16 + length as usize) else { break };
        records.push(record);
        rest = others;
    }
    records
}

fn word(bytes: &[u8], place: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(place..place + 4)?.try_into().ok()?))
}

/// The host asks its own resolver for a name, or is answered.
fn look_up(id: u16, answer: bool) -> Vec<u8> {
    let (host, resolver) = ([2, 0, 0, 0, 0x77, 1], [2, 0, 0, 0, 0x77, 2]);
    let (asks, answers) = ([198, 51, 100, 7], [198, 51, 100, 53]);
    let mut dns = id.to_be_bytes().to_vec();
    dns.extend(if answer { [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] } else { [1, 0, 0, 1, 0, 0, 0, 0, 0, 0] });
    dns.extend(b"\x03www\x07example\x03org\0\0\x01\0\x01");
    if answer {
        dns.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 80]);
    }
    let (from, to) = if answer { (53, 40_000_u16) } else { (40_000, 53) };
    let (source, target) = if answer { (answers, asks) } else { (asks, answers) };
    let mut frame = if answer { [host, resolver].concat() } else { [resolver, host].concat() };
    frame.extend([8, 0]);
    let mut header = vec![0x45, 0];
    header.extend((28 + dns.len() as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    header.extend(source);
    header.extend(target);
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend(header);
    for field in [from, to, 8 + dns.len() as u16, 0] {
        frame.extend(field.to_be_bytes());
    }
    frame.extend(dns);
    frame
}
