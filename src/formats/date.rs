//! The dates of HTTP and SIP headers (RFC 9110 section 5.6.7): the preferred form and the two obsolete ones. And those of
//! directories (RFC 4517 section 3.3.13).

use crate::model::Time;

/// Two-digit years below this belong to this century.
const CENTURY_PIVOT: i16 = 70;

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
pub fn http_date(text: &str) -> Option<Time> {
    // One more than there may be.
    let mut words = [""; 7];
    let found = text.split([' ', ',', '-', '\t']).filter(|word| !word.is_empty());
    let count = words.iter_mut().zip(found).map(|(place, word)| *place = word).count();
    let (day, month, year, clock) = match words.get(..count)? {
        [_, month, day, clock, year] if clock.contains(':') => (day, month, year, clock),
        [_, day, month, year, clock] => (day, month, year, clock),
        [_, day, month, year, clock, zone] if matches!(*zone, "GMT" | "UTC" | "Z" | "+0000") => (day, month, year, clock),
        _ => return None,
    };
    let mut parts = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // A leap second is the last one of its minute for a clock that knows none.
    let date =
        jiff::civil::DateTime::new(full_year(year)?, month_number(month)?, day.parse().ok()?, hour, minute, second.min(59), 0);
    let stamp = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Time::from_seconds(stamp.as_second()))
}

/// Reads `20090410220103Z` or `20090410220103.0Z`: GeneralizedTime in UTC, as directories and Kerberos write it.
pub fn generalized_time(text: &str) -> Option<Time> {
    let digits = text.strip_suffix('Z')?;
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<i8>().ok();
    let year = whole.get(..4)?.parse().ok()?;
    let date = jiff::civil::DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?.min(59), 0);
    let stamp = date.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Time::from_seconds(stamp.as_second()))
}

fn full_year(text: &str) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    match (text.len(), year) {
        (2, year) if year < CENTURY_PIVOT => Some(year.saturating_add(2000)),
        (2, year) => Some(year.saturating_add(1900)),
        (_, year) => Some(year),
    }
}

fn month_number(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let at = NAMES.iter().position(|name| text.eq_ignore_ascii_case(name))?;
    i8::try_from(at).ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_rfc_9110_are_one_moment() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(http_date(text), Some(Time::from_seconds(784_111_777)), "{text}");
        }
        assert_eq!(http_date("Sun, 06 Nov 2016 08:49:60 GMT").map(Time::whole_seconds).as_deref(), Some("2016-11-06T08:49:59Z"));
    }

    #[test]
    fn a_directory_writes_its_time_with_or_without_a_fraction() {
        for text in ["20090410220103Z", "20090410220103.0Z"] {
            assert_eq!(generalized_time(text).map(Time::whole_seconds).as_deref(), Some("2009-04-10T22:01:03Z"), "{text}");
        }
        for text in ["", "Z", "20090410220103", "20091310220103Z", "2009041022010Z", "20090410220103.Z", "2009041022010éZ"] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "now",
            "Sun, 31 Feb 2010 00:00:00 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37 -0500",
        ] {
            assert_eq!(http_date(text), None, "{text}");
        }
    }
}
