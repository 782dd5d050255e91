use super::*;

#[test]
fn dates_go_there_and_back() {
    for (date, days) in [
        (Date { year: 1970, month: 1, day: 1 }, 0),
        (Date { year: 2000, month: 2, day: 29 }, 11_016),
        (Date { year: 2025, month: 12, day: 31 }, 20_453),
    ] {
        assert_eq!(days_since_1970(date), days);
        assert_eq!(date_of(days * DAY_S), date);
        assert_eq!(date_of(days * DAY_S + DAY_S - AHEAD_S - 1), date);
    }
}

#[test]
fn the_year_of_the_files_ends_with_a_quarter_that_is_over() {
    // 21 November 2026: the last full quarter ended with September.
    let c = Calendar::ending_at(1_795_233_600);
    assert_eq!(c.shift_months, 9);
    let close = c.moved("2025-12-28T02:27:34+08:00").unwrap_or_default();
    assert_eq!(date_of(close), Date { year: 2026, month: 9, day: 28 });
    assert_eq!(c.period(close), 202_609);
    // 31 May + 9 months has no such day.
    let may = c.at(Date { year: 2025, month: 5, day: 31 }, 0);
    assert_eq!(date_of(may), Date { year: 2026, month: 2, day: 28 });
    assert!(c.moved("yesterday").is_err());
    assert!(c.moved("2025-12-28T02:27:34Z").is_err());
}
