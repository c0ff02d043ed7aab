//! The same facts in every format: what the JSON says of a device, field by field, each other format says of it too.

use std::collections::BTreeMap;

use loginloop::pipeline::{self, Options};
use loginloop::profile::Profiles;
use loginloop::report::{self, Format, text};
use loginloop::verdict::Analysis;
use serde_json::Value;

use super::captures;

fn written(format: Format, analysis: &Analysis, path: &str) -> String {
    let (mut document, mut out) = (report::document(format, path), Vec::new());
    document.begin(&mut out).unwrap();
    document.capture(analysis, path, &mut out).unwrap();
    document.end(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What the JSON says of a device that did not get in.
struct Failed {
    name: String,
    code: String,
    summary: String,
    fix: String,
    /// Stage, who, how, frame and screen of one of its drops.
    drops: Vec<BTreeMap<&'static str, String>>,
    attempts: Option<String>,
    /// Attempts that are listed.
    told: usize,
    /// Evidence of the primary finding: frames.
    evidence: Vec<String>,
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Failed {
    fn of(device: &Value) -> Option<Self> {
        let verdict = device["verdict"].as_str().unwrap();
        if !matches!(verdict, "loop" | "dropped") {
            return None;
        }
        let primary = device["findings"].as_array().unwrap().iter().find(|finding| finding["primary"] == true)?;
        let drops = device["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["drop"]).filter(|drop| !drop.is_null());
        Some(Self {
            name: device["mac"].as_str().or_else(|| device["ips"][0].as_str()).unwrap().to_owned(),
            code: shown(&primary["code"]),
            summary: shown(&primary["summary"]),
            fix: shown(&primary["fix"]),
            drops: drops
                .map(|drop| {
                    let screen = drop["screen"].as_str().unwrap_or_default().to_owned();
                    let fields = ["stage", "by", "how", "frame"].map(|key| (key, shown(&drop[key])));
                    fields.into_iter().chain([("screen", screen)]).collect()
                })
                .collect(),
            attempts: device["loop"]["attempts"].as_u64().map(|count| count.to_string()),
            told: device["attempts"].as_array().unwrap().len(),
            evidence: primary["evidence"].as_array().unwrap().iter().map(|evidence| shown(&evidence["frame"])).collect(),
        })
    }
}

/// Without line ends, indents and the marks of a format, so that the same words are the same text.
fn plain(text: &str) -> String {
    let text: String = text.chars().filter(|c| !matches!(c, '`' | '*' | '\\' | '“' | '”' | '"')).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a reader of HTML sees. Words within a line are not parted by what marks them.
fn without_markup(page: &str) -> String {
    const WITHIN_A_LINE: [&str; 6] = ["a", "b", "code", "em", "span", "strong"];
    let page = page.split_once("</style>").map_or(page, |(_, body)| body);
    let mut pieces = page.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (tag, behind) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !WITHIN_A_LINE.contains(&name) {
            text.push(' ');
        }
        text.push_str(behind);
    }
    entities(&text)
}

fn entities(text: &str) -> String {
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&#10;", "\n"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c))
}

#[track_caller]
fn says(format: &str, capture: &str, page: &str, what: &str) {
    assert!(page.contains(&plain(what)), "{capture}: {format} does not say {what:?}");
}

/// Is it told what happened in (after, between…) this frame?
fn speaks_of(page: &str, frame: &str) -> bool {
    let word = format!("frame {frame}");
    page.match_indices(&word).any(|(at, _)| !page[at + word.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the captures of the repository")]
fn what_the_json_says_of_a_failed_login_each_format_says() {
    let mut failed_devices = 0;
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    for path in captures() {
        let capture = path.display().to_string();
        let analysis = pipeline::analyse(std::fs::File::open(&path).unwrap(), &options).unwrap().result;
        let in_format = |format| written(format, &analysis, &capture);
        let json: Value = serde_json::from_str(&in_format(Format::Json)).unwrap();
        let failed: Vec<Failed> = json["devices"].as_array().unwrap().iter().filter_map(Failed::of).collect();
        if failed.is_empty() {
            continue;
        }
        failed_devices += failed.len();
        let pages = [
            ("text", plain(&in_format(Format::Text(text::Options::default())))),
            ("markdown", plain(&entities(&in_format(Format::Markdown)))),
            ("html", plain(&without_markup(&in_format(Format::Html { several: false })))),
            // Much of it stands in attributes.
            ("junit", plain(&entities(&in_format(Format::Junit)))),
        ];
        let csv = in_format(Format::Csv);
        let sarif: Value = serde_json::from_str(&in_format(Format::Sarif)).unwrap();
        for device in &failed {
            for (format, page) in &pages {
                says(format, &capture, page, &device.name);
                says(format, &capture, page, &device.summary);
                says(format, &capture, page, &device.fix);
                says(format, &capture, page, &device.code);
                let has_a_drop =
                    device.drops.iter().any(|drop| speaks_of(page, &drop["frame"]) && page.contains(&plain(&drop["screen"])));
                assert!(has_a_drop, "{capture}: {format} does not say where {} dropped", device.name);
                if let Some(attempts) = &device.attempts {
                    let of = if device.told.to_string() == *attempts { String::new() } else { format!(" of {}", device.told) };
                    says(format, &capture, page, &format!("{attempts}{of} attempts"));
                }
            }
            in_csv(device, &csv, &capture);
            in_sarif(device, &sarif, &capture);
        }
    }
    assert!(failed_devices > 50, "{failed_devices} failed logins");
}

fn in_csv(device: &Failed, csv: &str, capture: &str) {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let rows: Vec<BTreeMap<String, String>> = reader
        .records()
        .map(|row| columns.iter().map(str::to_owned).zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect();
    let row = rows.iter().find(|row| row["mac"] == device.name || row["ips"].split(' ').any(|ip| ip == device.name)).unwrap();
    // A cell that a spreadsheet would reckon with has an apostrophe before it.
    let same = |column: &str, value: &str| plain(row[column].trim_start_matches('\'')) == plain(value);
    for (column, value) in [("primary_cause", &device.code), ("summary", &device.summary), ("fix", &device.fix)] {
        assert!(same(column, value), "{capture}: {column} is {:?}, not {value:?}", row[column]);
    }
    let columns =
        [("stage", "drop_stage"), ("by", "drop_by"), ("how", "drop_how"), ("frame", "drop_frame"), ("screen", "screen")];
    let is_one = |drop: &BTreeMap<&str, String>| columns.iter().all(|(field, column)| same(column, &drop[field]));
    assert!(device.drops.iter().any(is_one), "{capture}: the drop in the row is none of the JSON: {row:?}");
    if let Some(attempts) = &device.attempts {
        assert_eq!(&row["attempts"], attempts, "{capture}");
    }
}

fn in_sarif(device: &Failed, sarif: &Value, capture: &str) {
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results
        .iter()
        .find(|result| {
            let text = result["message"]["text"].as_str().unwrap();
            result["ruleId"] == device.code.as_str() && text.contains(&device.name) && text.contains(&device.summary)
        })
        .unwrap_or_else(|| panic!("{capture}: SARIF has no {} of {}", device.code, device.name));
    let text = result.to_string();
    for frame in device.evidence.iter().take(1) {
        assert!(text.contains(frame.as_str()), "{capture}: SARIF does not name frame {frame}");
    }
}
