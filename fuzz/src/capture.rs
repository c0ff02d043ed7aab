//! The capture reader: however the bytes come, the same records come out.

use std::io::{self, Read, Write};

use loginloop::capture::{CaptureReader, Facts, compressed};
use loginloop::model::{Frame, Warning};
use loginloop::rewrite::{self, Edit, Packet};

/// Length of a pcap file's header.
const PCAP_HEADER: usize = 24;
/// Length of the longest header of a pcap record, in a patched writer's format.
const LONGEST_RECORD_HEADER: usize = 28;

/// All that a reader says of a file.
#[derive(Debug, PartialEq)]
struct Said {
    records: Vec<(u64, i64, u16, u32, Vec<u8>)>,
    error: Option<String>,
    facts: Option<Facts>,
    warnings: Vec<Warning>,
}

/// Gives one byte at a time.
pub struct Drip<'a>(pub &'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (Some((first, rest)), Some(place)) = (self.0.split_first(), out.first_mut()) else { return Ok(0) };
        *place = *first;
        self.0 = rest;
        Ok(1)
    }
}

fn read(input: impl Read) -> Said {
    let mut said = Said { records: Vec::new(), error: None, facts: None, warnings: Vec::new() };
    let mut reader = match CaptureReader::open(input) {
        Ok(reader) => reader,
        Err(error) => return Said { error: Some(error.to_string()), ..said },
    };
    loop {
        match reader.next_record() {
            Ok(Some(record)) => {
                assert!(record.wire_length as usize >= record.data.len());
                said.records.push((
                    record.at.frame.number(),
                    record.at.time.0,
                    record.link_type,
                    record.wire_length,
                    record.data.to_vec(),
                ));
            }
            Ok(None) => break,
            Err(error) => {
                said.error = Some(error.to_string());
                break;
            }
        }
    }
    assert!(matches!(reader.next_record(), Ok(None)), "the end is the end");
    // A damaged packet has a number, but is left out.
    assert!(reader.facts().frames >= said.records.len() as u64);
    said.facts = Some(reader.facts().clone());
    said.warnings = reader.warnings().to_vec();
    said
}

/// Byte by byte, and all at once.
pub fn pieces_give_what_the_whole_gives(bytes: &[u8]) {
    let whole = read(bytes);
    assert_eq!(whole, read(Drip(bytes)));
    // What a cut file holds is the beginning of what the whole one holds. A record that the cut has torn can look damaged: then
    // this is true of what came before it.
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    // How long record headers are shows in some pcap files only where the second record begins.
    let first = whole.records.first().map_or(0, |(.., data)| data.len());
    if half.len() < PCAP_HEADER + first + 2 * LONGEST_RECORD_HEADER {
        return;
    }
    let cut = read(half);
    let before = cut.warnings.iter().find_map(|warning| before_damage(&warning.text)).unwrap_or(u64::MAX);
    let sound: Vec<_> = cut.records.iter().take_while(|(frame, ..)| *frame <= before).cloned().collect();
    assert!(!whole.warnings.is_empty() || whole.error.is_some() || whole.records.starts_with(&sound));
}

/// The last frame before the damage that a warning tells of, if it does.
fn before_damage(warning: &str) -> Option<u64> {
    let (_, behind) = warning.strip_prefix("the file is damaged at offset ")?.split_once(", after frame ")?;
    behind.split(':').next()?.parse().ok()
}

/// Whatever was packed, and whatever calls itself packed.
pub fn compressed(bytes: &[u8]) {
    let unpack = |input: &mut dyn Read| -> (Vec<u8>, Option<String>) {
        let mut plain = Vec::new();
        let error = match compressed::plain(input) {
            // More than this is the next layer's to refuse: it reads on only as long as there are packets.
            Ok((reader, _)) => reader.take(4 << 20).read_to_end(&mut plain).err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        (plain, error)
    };
    // Of damaged input, how much comes before the damage shows depends on the pieces.
    let ((whole, error), (drip, other)) = (unpack(&mut &*bytes), unpack(&mut Drip(bytes)));
    assert_eq!(error.is_some(), other.is_some());
    assert!(whole.starts_with(&drip) || drip.starts_with(&whole));
    assert!(error.is_some() || whole == drip);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = packed.write_all(bytes).and_then(|()| packed.finish()).expect("memory takes it");
    assert_eq!(unpack(&mut packed.as_slice()), (bytes.to_vec(), None));
}

/// Keeps every packet, and says which there were.
#[derive(Default)]
struct Keeps(Vec<(u64, Vec<u8>)>);

impl Edit for Keeps {
    fn packet<'a>(&mut self, frame: Frame, data: &'a [u8]) -> Packet<'a> {
        self.0.push((frame.number(), data.to_vec()));
        Packet::Kept(data.into(), vec!["a comment".to_owned()])
    }
}

/// Written anew, a sound capture has the same packets under the same numbers.
pub fn rewritten(bytes: &[u8]) {
    let (mut keeps, mut out) = (Keeps::default(), Vec::new());
    let written = rewrite::rewrite(|| Ok(bytes), &mut keeps, &mut out);
    let (Ok((plain, _)), Ok(_)) = (compressed::plain(bytes), written) else { return };
    let before = read(plain);
    if before.error.is_some() || !before.warnings.is_empty() {
        return;
    }
    let numbered: Vec<(u64, Vec<u8>)> = before.records.iter().map(|(frame, .., data)| (*frame, data.clone())).collect();
    assert_eq!(keeps.0, numbered);
    let after = read(out.as_slice());
    let data = |said: &Said| said.records.iter().map(|(.., data)| data.clone()).collect::<Vec<_>>();
    assert_eq!((data(&after), after.warnings), (data(&before), Vec::new()));
}
