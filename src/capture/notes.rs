//! What is noted of a capture while it is read: facts, and what a reader of the result should know.

use std::io::Read;

use super::buffer::Buffer;
use super::end::End;
use super::{CaptureError, Facts, Found, MAX_WARNINGS, link_type};
use crate::model::{Frame, Time, Warning};

/// What is noted while reading.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) facts: Facts,
    /// The last time stamp.
    pub(super) time: Time,
    pub(super) warnings: Vec<Warning>,
    pub(super) more_warnings: u64,
}

impl Notes {
    #[inline]
    pub(super) fn count_frame(&mut self) -> Frame {
        self.facts.frames = self.facts.frames.saturating_add(1);
        Frame::new(self.facts.frames)
    }

    /// The number that the next packet will get.
    pub(super) fn next_frame(&self) -> Frame {
        Frame::new(self.facts.frames.saturating_add(1))
    }

    #[cold]
    pub(super) fn warn(&mut self, frame: Option<Frame>, text: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { frame, text });
        } else {
            self.more_warnings = self.more_warnings.saturating_add(1);
        }
    }

    /// The input has ended; if something had begun, it was cut.
    #[cold]
    pub(super) fn torn<R: Read>(&mut self, buffer: &Buffer<R>, what: &str) {
        if buffer.ended() != Some(&End::Whole) || buffer.available().is_empty() {
            return;
        }
        self.facts.truncated = true;
        let frames = self.facts.frames;
        let offset = buffer.offset();
        self.warn(
            None,
            format!("the file is cut inside a {what} at offset {offset}, after frame {frames}; what is missing cannot be judged"),
        );
    }

    /// Input that ends before its own end has lost something even if what is there ends with a whole record.
    #[cold]
    pub(super) fn ended(&mut self, end: Option<&End>) {
        let frames = self.facts.frames;
        match end {
            None | Some(End::Whole) => {}
            Some(End::Cut) => {
                self.facts.truncated = true;
                self.warn(None, format!("the compressed file is cut after frame {frames}; what is missing cannot be judged"));
            }
            Some(End::Damaged(reason)) => {
                self.facts.truncated = true;
                let text = format!("the compressed file is damaged after frame {frames} ({reason}); the rest cannot be unpacked");
                self.warn(None, text);
            }
            Some(End::Stopped) => {
                self.warn(None, format!("reading was stopped after frame {frames}; what came later was not looked at"));
            }
        }
    }

    /// Damage that cannot be passed over.
    #[cold]
    pub(super) fn stop(&mut self, offset: u64, what: &str) {
        let frames = self.facts.frames;
        self.warn(None, format!("the file is damaged at offset {offset}, after frame {frames}: {what}; reading stops here, and Wireshark stops at such damage too"));
    }

    /// A length that cannot be: damage, or no capture at all if nothing was read before it.
    #[cold]
    pub(super) fn implausible(&mut self, offset: u64, what: &str, length: u32) -> Result<Option<Found>, CaptureError> {
        if self.facts.frames == 0 {
            return Err(CaptureError::Length { offset, length });
        }
        self.stop(offset, what);
        Ok(None)
    }

    /// Damage behind which records begin again.
    #[cold]
    pub(super) fn skipped(&mut self, offset: u64, what: &str, bytes: u64) {
        let frames = self.facts.frames;
        self.warn(None, format!("the file is damaged at offset {offset}, after frame {frames}: {what}; {bytes} bytes are skipped, and what comes behind them is numbered on from there; Wireshark stops at such damage"));
    }

    /// Says once that packets of this link type cannot be decoded.
    #[cold]
    pub(super) fn link_type(&mut self, link_type: u16) {
        if !link_type::is_known(link_type) {
            let frame = self.next_frame();
            let name = link_type::name(link_type);
            self.warn(
                Some(frame),
                format!("link type {link_type} ({name}) is not decoded: packets of this interface are only counted"),
            );
        }
    }
}
