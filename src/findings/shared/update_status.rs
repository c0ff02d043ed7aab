//! What a phone on Windows CE shows of its last try to update: a line with the error of WinINet and the HTTP status. A failure
//! in, the words out.

use crate::text::WireText;

/// What the name of the service begins with.
const SERVICE: &str = "ucupdates";
/// What the path of its requests holds.
const HANDLER: &str = "/requesthandler";

/// How a try failed, as WinINet counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// 12007 (ERROR_INTERNET_NAME_NOT_RESOLVED).
    NameNotResolved,
    /// 12002 (ERROR_INTERNET_TIMEOUT): a request that nobody answers.
    TimedOut,
    /// A SYN that nobody answers: 12002 where WinINet loses its patience first, 12029 where TCP does.
    ConnectTimedOut,
    /// 12029 (ERROR_INTERNET_CANNOT_CONNECT).
    CannotConnect,
    /// 12030 (ERROR_INTERNET_CONNECTION_ABORTED): closed before the answer.
    Aborted,
    /// 12031 (ERROR_INTERNET_CONNECTION_RESET).
    Reset,
    /// An HTTP status that is no success.
    Status(u16),
}

/// What the screen shows, in words that follow a sentence about the failure; nothing where the name and the path show that it was
/// not the update service of Communicator and Lync phones.
pub fn shown(failure: Failure, name: Option<&WireText>, path: Option<&WireText>) -> String {
    let begins = |name: &WireText| name.raw().get(..SERVICE.len()).is_some_and(|start| start.eq_ignore_ascii_case(SERVICE));
    let asked = |path: &WireText| path.raw().to_ascii_lowercase().contains(HANDLER);
    if !name.is_some_and(begins) && !path.is_some_and(asked) {
        return String::new();
    }
    let status = match failure {
        Failure::NameNotResolved => "(0x2ee7/0)",
        Failure::TimedOut => "(0x2ee2/0)",
        Failure::ConnectTimedOut => "(0x2ee2/0)\", or \"(0x2efd/0)",
        Failure::CannotConnect => "(0x2efd/0)",
        Failure::Aborted => "(0x2efe/0)",
        Failure::Reset => "(0x2eff/0)",
        Failure::Status(code) => {
            return format!("; the phone shows the HTTP status {code} as the second number of \"Last Update Status\"");
        }
    };
    format!("; the phone shows \"Last Update Status: {status}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_wininet() {
        let name = WireText::from("ucupdates-r2.contoso.com");
        // 12000 is 0x2ee0.
        for (failure, code) in [
            (Failure::NameNotResolved, 12_007),
            (Failure::TimedOut, 12_002),
            (Failure::ConnectTimedOut, 12_002),
            (Failure::CannotConnect, 12_029),
            (Failure::Aborted, 12_030),
            (Failure::Reset, 12_031),
        ] {
            assert!(shown(failure, Some(&name), None).contains(&format!("({code:#x}/0)")), "{failure:?}");
        }
        assert!(shown(Failure::Status(503), Some(&name), None).contains("503"));
    }

    #[test]
    fn only_their_own_service_is_on_their_screen() {
        let (name, path) = (WireText::from("fw.example.com"), WireText::from("/T46S.rom"));
        assert_eq!(shown(Failure::Reset, Some(&name), Some(&path)), "");
        let path = WireText::from("/RequestHandler/ucdevice.upx");
        assert!(!shown(Failure::Reset, Some(&name), Some(&path)).is_empty());
    }
}
