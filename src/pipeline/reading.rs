//! A capture in, its events to a sink: records, packets, flows and protocols in a row, and what there is to warn of.

use std::io::Read;
use std::sync::Arc;

use crate::capture::{CaptureError, CaptureReader};
use crate::dispatch::{Dispatcher, FlowState};
use crate::event::EventSink;
use crate::flow::{Conflict, FlowTable};
use crate::keylog::{KeyLog, Keys};
use crate::model::Warning;
use crate::packet::Decoder;
use crate::verdict::CaptureSummary;

/// What is left when the capture has been read.
pub(super) struct Run<S> {
    /// What the capture is.
    pub(super) capture: CaptureSummary,
    /// What the events made of the sink.
    pub(super) sink: S,
    /// Where TCP segments gave two readings of the same bytes.
    pub(super) conflicts: Vec<Conflict>,
    /// Why the rest could not be read.
    pub(super) error: Option<CaptureError>,
}

/// Reads a capture, which was compressed so, to its end or to where the sink has enough; `flows` sorts its packets.
pub(super) fn run<S: EventSink>(
    input: impl Read,
    compression: Option<&'static str>,
    keys: &Arc<KeyLog>,
    mut flows: FlowTable<FlowState>,
    sink: S,
) -> Result<Run<S>, CaptureError> {
    let mut reader = CaptureReader::open(input)?;
    let mut decoder = Decoder::new();
    let mut dispatcher = Dispatcher::new(sink, Keys::new(Arc::clone(keys)));
    let error = loop {
        match reader.next_with_secrets(&mut |key_log| dispatcher.keys().add(key_log)) {
            Ok(Some(record)) => decoder.decode_each(&record, |packet| flows.push(packet, &mut dispatcher)),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        if dispatcher.sink().is_done() {
            break None;
        }
    };
    flows.finish(&mut dispatcher);
    let facts = reader.facts();
    let mut warnings = reader.warnings().to_vec();
    if reader.more_warnings() > 0 {
        warnings.push(Warning { frame: None, text: format!("{} further warnings of this kind", reader.more_warnings()) });
    }
    warnings.extend(flows.warnings());
    if decoder.lost_datagrams() > 0 {
        let text =
            format!("{} fragmented IP datagrams never became complete, or were pushed out by others", decoder.lost_datagrams());
        warnings.push(Warning { frame: None, text });
    }
    if dispatcher.keys().foreign() > 0 {
        let text = format!("{} lines of the capture's own key log are not understood", dispatcher.keys().foreign());
        warnings.push(Warning { frame: None, text });
    }
    let capture = CaptureSummary {
        format: reader.format(),
        compression,
        frames: facts.frames,
        bytes: reader.file_bytes(),
        first_time: facts.first,
        last_time: facts.last,
        truncated: facts.truncated,
        snaplen_limited: facts.snaplen_limited,
        dropped: facts.dropped,
        warnings,
        notes: Vec::new(),
    };
    Ok(Run { capture, sink: dispatcher.into_sink(), conflicts: flows.conflicts().to_vec(), error })
}
