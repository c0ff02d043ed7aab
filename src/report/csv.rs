//! A row for each device, for spreadsheets: RFC 4180, and no cell that a spreadsheet would take for a formula.

use std::borrow::Cow;
use std::io::{self, Write};

use super::cells::row;
use super::{told, words};
use crate::verdict::{Analysis, DeviceAnalysis};

/// Names of the columns, in their order.
const COLUMNS: [&str; 22] = [
    "capture",
    "mac",
    "ips",
    "vlan",
    "name",
    "profile",
    "verdict",
    "verdict_confidence",
    "attempts",
    "period_s",
    "restarts_at",
    "drop_stage",
    "drop_by",
    "drop_how",
    "drop_frame",
    "drop_time",
    "screen",
    "primary_cause",
    "confidence",
    "summary",
    "fix",
    "findings",
];

/// Writes the names of the columns.
pub fn begin(out: &mut dyn Write) -> io::Result<()> {
    row(COLUMNS.iter().map(|name| (*name).into()), out)
}

/// Writes the devices of one capture.
pub fn capture(analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
    analysis.devices.iter().try_for_each(|device| row(cells(device, path).into_iter().map(Cow::from), out))
}

fn cells(device: &DeviceAnalysis, path: &str) -> [String; COLUMNS.len()] {
    fn text<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    // A drop that the device got over is not what became of it.
    let attempt = device.typical_attempt().filter(|_| told::is_failed(device));
    let drop = attempt.and_then(|attempt| attempt.drop);
    let repeats = device.repeats.as_ref();
    let primary = device.primary();
    let ips: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
    let codes: Vec<&str> = device.findings.iter().map(|finding| finding.code).collect();
    [
        path.to_owned(),
        text(device.mac),
        ips.join(" "),
        text(device.vlan),
        text(device.name.as_ref()),
        text(device.profile.as_ref().map(|(name, _)| name)),
        device.verdict.to_string(),
        words::two_digits(device.confidence).to_string(),
        repeats.map_or(device.attempts.len().to_string(), |repeats| repeats.attempts.to_string()),
        text(repeats.map(|repeats| repeats.period_s)),
        text(repeats.map(|repeats| repeats.restarts_at)),
        text(drop.map(|drop| drop.stage)),
        text(drop.map(|drop| drop.by)),
        text(drop.map(|drop| drop.how)),
        text(drop.map(|drop| drop.at.frame)),
        text(drop.map(|drop| drop.at.time)),
        text(attempt.and_then(|attempt| attempt.screen.as_ref())),
        text(primary.map(|finding| finding.code)),
        text(primary.map(|finding| words::two_digits(finding.confidence))),
        text(primary.map(|finding| &finding.summary)),
        text(primary.map(|finding| &finding.fix)),
        codes.join(" "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn rows(analysis: &Analysis) -> Vec<csv::StringRecord> {
        let mut out = Vec::new();
        begin(&mut out).unwrap();
        capture(analysis, "=field.pcapng", &mut out).unwrap();
        csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_slice()).records().map(Result::unwrap).collect()
    }

    #[test]
    fn a_row_for_each_device_below_the_names() {
        let analysis = samples::founding_loop();
        let rows = rows(&analysis);
        assert_eq!(rows.len(), 1 + analysis.devices.len());
        let cell = |name: &str| rows[1][COLUMNS.iter().position(|known| *known == name).unwrap()].to_owned();
        assert_eq!(cell("verdict"), "loop");
        assert_eq!(cell("primary_cause"), "cert-unsupported-signature");
        assert_eq!(
            (cell("drop_stage"), cell("drop_by"), cell("drop_how"), cell("drop_frame")),
            ("tls".into(), "device".into(), "fin".into(), "141".into())
        );
    }

    #[test]
    fn a_device_that_signed_in_after_all_has_no_drop() {
        let mut analysis = samples::founding_loop();
        analysis.devices[0].verdict = crate::model::Verdict::SignedIn;
        let rows = rows(&analysis);
        for name in ["drop_stage", "drop_by", "drop_how", "drop_frame", "drop_time", "screen"] {
            assert_eq!(&rows[1][COLUMNS.iter().position(|known| *known == name).unwrap()], "", "{name}");
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(&rows(&samples::founding_loop())[1][0], "'=field.pcapng");
        assert!(rows(&samples::hostile()).iter().all(|row| row.iter().all(|cell| !cell.contains('\u{1b}'))));
    }
}
