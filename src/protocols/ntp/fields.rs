//! What `events` prints of NTP.

use serde_json::Value;

use super::{Message, mode};
use crate::protocols::{Asker, Describe};

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "ntp"
    }

    fn event(&self) -> Option<&'static str> {
        Some(match self.mode {
            mode::SYMMETRIC_ACTIVE => "symmetric_active",
            mode::SYMMETRIC_PASSIVE => "symmetric_passive",
            mode::CLIENT => "client",
            mode::SERVER => "server",
            mode::BROADCAST => "broadcast",
            mode::CONTROL => "control",
            mode::PRIVATE => "private",
            _ => "reserved",
        })
    }

    fn asker(&self) -> Asker {
        match self.mode {
            mode::CLIENT => Asker::Sender,
            mode::SERVER => Asker::Receiver,
            _ => Asker::Nobody,
        }
    }

    fn held(&self) -> usize {
        0
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        // In a private packet the first two bits are "response" and "more" instead.
        if self.mode != mode::PRIVATE {
            put("ntp.flags.li", self.leap.into());
        }
        put("ntp.flags.vn", self.version.into());
        put("ntp.flags.mode", self.mode.into());
        if !matches!(self.mode, mode::CONTROL | mode::PRIVATE) {
            put("ntp.stratum", self.stratum.into());
        }
    }
}
