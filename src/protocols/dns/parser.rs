//! Reads a DNS message section by section and record by record, so that what stands before a bad record is kept.

use domain::base::message::RecordSection;
use domain::base::name::ParsedName;
use domain::base::{Message as Wire, ParseRecordData, ParsedRecord};
use domain::rdata::{A, Aaaa, Cname, Ns, Ptr, Srv};

use super::{Message, Question, Record, RecordData, kind, name};
use crate::bytes::Reader;
use crate::text::WireText;

/// Length of the header (RFC 1035 section 4.1.1).
pub(super) const HEADER: usize = 12;
/// How many records of a message are kept: many times what a pool of servers has.
const MAX_RECORDS: usize = 1000;
/// As many answers as a message has at most, as a rule: for those there is room at once.
const USUAL_RECORDS: usize = 8;
/// The sections behind the question, in order, and whether their records are kept, as answers or not.
const SECTIONS: [(&str, Option<bool>); 3] = [("answer", Some(true)), ("authority", None), ("additional", Some(false))];

/// Reads one message. `None` where not even its header is there.
pub(super) fn parse(bytes: &[u8], tcp: bool, whole: bool) -> Option<Message> {
    let wire = Wire::from_slice(bytes).ok()?;
    let header = wire.header();
    let answers = usize::from(wire.header_counts().ancount());
    let mut message = Message {
        id: header.id(),
        response: header.qr(),
        opcode: header.opcode().to_int(),
        rcode: header.rcode().to_int(),
        truncated: header.tc(),
        iterative: !header.rd(),
        question: None,
        records: Vec::with_capacity(answers.min(USUAL_RECORDS)),
        tcp,
        problem: None,
    };
    let trouble = sections(wire, &mut message).err();
    message.problem = if whole { trouble } else { Some("the capture holds only the beginning of the message".to_owned()) };
    Some(message)
}

/// Reads all sections into `message`; the first thing that cannot be read is the error, and what came before it stays.
fn sections(wire: &Wire<[u8]>, message: &mut Message) -> Result<(), String> {
    let mut questions = wire.question();
    for question in questions.by_ref() {
        let question = question.map_err(|error| format!("question: {error}"))?;
        let first = || Question { name: name::text(question.qname()), kind: question.qtype().to_int() };
        message.question.get_or_insert_with(first);
    }
    let asked = message.question.as_ref().map_or_else(WireText::default, |question| question.name.clone());
    let mut section = questions.answer().map_err(|error| format!("question: {error}"))?;
    let mut trouble = None;
    for (title, keep) in SECTIONS {
        let bad = records(&mut section, title, keep, &asked, &mut message.records)?;
        trouble = trouble.or(bad);
        match section.next_section().map_err(|error| format!("{title} section: {error}"))? {
            Some(next) => section = next,
            None => break,
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// Reads one section. A record whose value is wrong, but whose length leads to the next one, is told and passed over.
fn records(
    section: &mut RecordSection<'_, [u8]>,
    title: &str,
    keep: Option<bool>,
    asked: &WireText,
    into: &mut Vec<Record>,
) -> Result<Option<String>, String> {
    let mut trouble = None;
    for (index, record) in section.by_ref().enumerate() {
        let told = |error| format!("{title} record {}: {error}", index.saturating_add(1));
        let record = record.map_err(told)?;
        let Some(answer) = keep else { continue };
        if into.len() >= MAX_RECORDS {
            return Err(format!("more than {MAX_RECORDS} records"));
        }
        match value(&record) {
            Ok(Some(data)) => into.push(Record { name: name::text_or(&record.owner(), asked), answer, data }),
            Ok(None) => {}
            Err(error) => trouble = trouble.or_else(|| Some(told(error))),
        }
    }
    Ok(trouble)
}

type Name<'a> = ParsedName<&'a [u8]>;
type Trouble = domain::base::wire::ParseError;

fn typed<'a, Data: ParseRecordData<'a, [u8]>>(record: &ParsedRecord<'a, [u8]>) -> Result<Option<Data>, Trouble> {
    Ok(record.to_record::<Data>()?.map(|record| record.into_data()))
}

/// The value of a record of a kind that a login stands on; `None` for other kinds.
fn value(record: &ParsedRecord<'_, [u8]>) -> Result<Option<RecordData>, Trouble> {
    if record.rdlen() == 0 {
        // RFC 2136 section 2.4: in an update, a record without value asks whether there is one, or takes it away.
        return Ok(None);
    }
    Ok(match record.rtype().to_int() {
        kind::A => typed::<A>(record)?.map(|data| RecordData::Address(data.addr().into())),
        kind::AAAA => typed::<Aaaa>(record)?.map(|data| RecordData::Address(data.addr().into())),
        kind::CNAME => typed::<Cname<Name<'_>>>(record)?.map(|data| RecordData::Alias(name::text(data.cname()))),
        kind::NS => typed::<Ns<Name<'_>>>(record)?.map(|data| RecordData::NameServer(name::text(data.nsdname()))),
        kind::PTR => typed::<Ptr<Name<'_>>>(record)?.map(|data| RecordData::Pointer(name::text(data.ptrdname()))),
        kind::SRV => typed::<Srv<Name<'_>>>(record)?.map(|data| RecordData::Service {
            priority: data.priority(),
            weight: data.weight(),
            port: data.port(),
            target: name::text(data.target()),
        }),
        _ => None,
    })
}

/// Is it a question for one name, or the answer to one, that fills the datagram to the last octet? That is enough to know
/// DNS by at any port.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    pass_message(bytes).is_some()
}

/// Goes through a message of one question to the end of the bytes.
fn pass_message(bytes: &[u8]) -> Option<()> {
    const FIELD: &str = "message";
    const INTERNET: u16 = 1;
    let mut reader = Reader::new(bytes);
    let [_, _, flags, _, 0, 1] = reader.array(FIELD).ok()? else { return None };
    // QR and OPCODE (RFC 1035 section 4.1.1): a standard query, or what came back.
    let (is_answer, opcode) = (flags & 0x80 != 0, flags & 0x78);
    let (answers, authority, additional) = (reader.u16(FIELD).ok()?, reader.u16(FIELD).ok()?, reader.u16(FIELD).ok()?);
    if opcode != 0 || !(is_answer || answers == 0 && authority == 0) {
        return None;
    }
    pass_name(&mut reader)?;
    let _kind = reader.u16(FIELD).ok()?;
    if reader.u16(FIELD).ok()? != INTERNET {
        return None;
    }
    for _ in 0..u32::from(answers).saturating_add(authority.into()).saturating_add(additional.into()) {
        pass_name(&mut reader)?;
        // Type, class, time to live.
        reader.take(8, FIELD).ok()?;
        let length = reader.u16(FIELD).ok()?;
        reader.take(length.into(), FIELD).ok()?;
    }
    reader.is_empty().then_some(())
}

/// Goes behind a name: to its root, or to the pointer that it ends with (RFC 1035 section 4.1.4).
fn pass_name(reader: &mut Reader<'_>) -> Option<()> {
    loop {
        match reader.u8("name").ok()? {
            0 => return Some(()),
            length @ 1..=63 => reader.take(length.into(), "name").ok()?,
            0xc0.. => return reader.u8("name").ok().map(|_| ()),
            _ => return None,
        };
    }
}
