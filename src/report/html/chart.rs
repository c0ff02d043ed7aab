//! Counts as bars, drawn as SVG: a bar for each word, or for each span of time.

use maud::{Markup, html};

use super::Wire;
use crate::model::Time;
use crate::triage::Counted;

/// Bars of a chart; what is rarer is one bar.
const BARS: usize = 16;
/// Characters of a label.
const LABEL: usize = 34;
/// Width of the labels, of the longest bar, and of the numbers behind it.
const LEFT: usize = 250;
const LONGEST: usize = 260;
const RIGHT: usize = 60;
/// From one bar to the next, and how thick one is.
const ROW: usize = 22;
const THICK: usize = 14;
/// Spans of a chart of time, and its height.
const SPANS: usize = 60;
const HEIGHT: usize = 120;
/// Room for the dates below it.
const DATES: usize = 22;

/// A bar for each word.
pub(super) fn bars(title: &str, id: &str, counts: &[Counted]) -> Markup {
    let mut bars: Vec<(&str, usize)> = counts.iter().take(BARS).map(|one| (one.word.as_str(), one.count)).collect();
    let rest: usize = counts.iter().skip(BARS).map(|one| one.count).sum();
    if rest > 0 {
        bars.push(("all others", rest));
    }
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let (width, height) = (LEFT + LONGEST + RIGHT, bars.len().saturating_mul(ROW));
    html! {
        @if !bars.is_empty() {
            figure.chart {
                figcaption { (title) }
                svg id=(id) width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby={ (id) "-t" }
                    font-family="system-ui, sans-serif" font-size="13" fill="currentColor" {
                    title id={ (id) "-t" } { (title) }
                    @for (row, (word, count)) in bars.iter().enumerate() {
                        @let y = row.saturating_mul(ROW);
                        @let long = part(*count, most, LONGEST);
                        text x=(LEFT - 8) y=(y + THICK - 2) text-anchor="end" { (Wire(&shortened(word))) title { (Wire(word)) } }
                        rect x=(LEFT) y=(y) width=(long) height=(THICK) fill-opacity="0.6" {}
                        text x=(LEFT.saturating_add(long).saturating_add(6)) y=(y + THICK - 2) { (count) }
                    }
                }
            }
        }
    }
}

/// A bar for each span of time in which anything was counted, and for those between them.
pub(super) fn times(title: &str, id: &str, days: &[(Time, usize)]) -> Markup {
    let spans = spans(days);
    let most = spans.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let width = LEFT + LONGEST + RIGHT;
    let step = width.checked_div(spans.len()).unwrap_or(width);
    html! {
        @if let (Some((first, _)), Some((last, _)), true) = (spans.first(), spans.last(), spans.len() > 1) {
            figure.chart {
                figcaption { (title) }
                svg id=(id) width=(width) height=(HEIGHT + DATES) viewBox={ "0 0 " (width) " " (HEIGHT + DATES) } role="img"
                    aria-labelledby={ (id) "-t" } font-family="system-ui, sans-serif" font-size="13" fill="currentColor" {
                    title id={ (id) "-t" } { (title) }
                    @for (place, (time, count)) in spans.iter().enumerate() {
                        @let high = part(*count, most, HEIGHT);
                        rect x=(place.saturating_mul(step)) y=(HEIGHT.saturating_sub(high)) width=(step.saturating_sub(1).max(1)) height=(high) fill-opacity="0.6" {
                            title { (day(*time)) ": " (count) }
                        }
                    }
                    text x="0" y=(HEIGHT + DATES - 6) { (day(*first)) }
                    text x=(width) y=(HEIGHT + DATES - 6) text-anchor="end" { (day(*last)) }
                }
            }
        }
    }
}

/// Days put together so that there are at most [`SPANS`] of them.
fn spans(days: &[(Time, usize)]) -> Vec<(Time, usize)> {
    const DAY: i64 = 86_400 * crate::model::SECOND;
    let (Some((first, _)), Some((last, _))) = (days.first(), days.last()) else { return Vec::new() };
    let all = last.since(*first) / DAY + 1;
    let length = (all / SPANS as i64 + i64::from(all % SPANS as i64 > 0)).max(1).saturating_mul(DAY);
    let count = last.since(*first) / length + 1;
    let mut spans: Vec<(Time, usize)> = (0..count).map(|place| (first.plus(length.saturating_mul(place)), 0)).collect();
    for (time, count) in days {
        let place = usize::try_from(time.since(*first) / length).unwrap_or(0);
        if let Some((_, sum)) = spans.get_mut(place) {
            *sum = sum.saturating_add(*count);
        }
    }
    spans
}

/// A length that stands to `whole` as `count` to `most`; what is there can be seen.
fn part(count: usize, most: usize, whole: usize) -> usize {
    if count == 0 { 0 } else { count.saturating_mul(whole).checked_div(most).unwrap_or(0).max(1) }
}

fn day(time: Time) -> String {
    time.whole_seconds().split('T').next().unwrap_or_default().to_owned()
}

fn shortened(word: &str) -> String {
    if word.chars().count() <= LABEL { word.to_owned() } else { word.chars().take(LABEL - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_put_together_until_they_fit() {
        let day = |number: i64| Time(number * 86_400 * crate::model::SECOND);
        assert_eq!(spans(&[]), []);
        assert_eq!(spans(&[(day(3), 2), (day(5), 1)]), [(day(3), 2), (day(4), 0), (day(5), 1)]);
        let years: Vec<(Time, usize)> = (0..1000).map(|number| (day(number), 1)).collect();
        let together = spans(&years);
        assert!(together.len() <= SPANS && together.iter().map(|(_, count)| count).sum::<usize>() == 1000, "{}", together.len());
    }

    #[test]
    fn a_single_count_among_many_can_be_seen() {
        assert_eq!((part(1, 100_000, 300), part(0, 10, 300), part(10, 10, 300), part(0, 0, 300)), (1, 0, 300, 0));
    }
}
