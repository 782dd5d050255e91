use super::*;

const GB: u64 = 1_000_000_000;

fn budget(limit_bytes: Option<u64>) -> StorageBudget {
    StorageBudget { limit_bytes, warn_at: 80, stop_at: 95, warn_days: 30, reserve_bytes: GB }
}

fn kind(state: &StorageState) -> &'static str {
    match state {
        StorageState::Ok(_) => "ok",
        StorageState::Warn(_) => "warn",
        StorageState::Stop(_) => "stop",
    }
}

#[test]
fn percentages_count_from_the_limit_or_from_the_disk() {
    let hundred = Some(100 * GB);
    // limit, used, free, state
    let table = [
        (hundred, 0, 500 * GB, "ok"),
        (hundred, 80 * GB - 1, 500 * GB, "ok"),
        (hundred, 80 * GB, 500 * GB, "warn"),
        (hundred, 95 * GB - 1, 500 * GB, "warn"),
        (hundred, 95 * GB, 500 * GB, "stop"),
        (hundred, u64::MAX, 0, "stop"),
        // The disk is smaller than the limit: 50 GB in all, 47.5 GB until the stop.
        (hundred, 40 * GB - 1, 10 * GB + 1, "ok"),
        (hundred, 40 * GB, 10 * GB, "warn"),
        (hundred, 47_500_000_000, 2_500_000_000, "stop"),
        (None, 40 * GB, 10 * GB, "warn"),
        // 5 % of 10 GB is less than the reserve of 1 GB: 9 GB until the stop.
        (None, 9 * GB - 1, GB + 1, "warn"),
        (None, 9 * GB, GB, "stop"),
        // The reserve never takes more than half of a small disk.
        (None, 0, GB, "ok"),
        (None, GB / 2, GB / 2, "stop"),
        (Some(0), 0, GB, "stop"),
        (None, 0, 0, "stop"),
    ];
    for (limit, used, free, expected) in table {
        let state = budget(limit).state(used, free, None);
        assert_eq!(kind(&state), expected, "{limit:?} {used} {free}: {state:?}");
    }
}

#[test]
fn the_forecast_counts_whole_days_until_the_stop() {
    let growth = |bytes, seconds| Some(Growth { bytes, seconds });
    // Until the stop: 95 GB - 65 GB = 30 GB.
    let table = [
        (None, None, "ok"),
        (growth(GB, 86_400), Some(30), "ok"),
        (growth(GB + 1, 86_400), Some(29), "warn"),
        (growth(GB / 24, 3_600), Some(30), "ok"),
        (growth(31 * GB, 86_400), Some(0), "warn"),
        (growth(0, 86_400), None, "ok"),
        (growth(GB, 59), None, "ok"),
        (growth(1, u64::MAX), Some(30 * GB), "ok"),
        (growth(u64::MAX, 60), Some(0), "warn"),
    ];
    for (growth, days, expected) in table {
        let state = budget(Some(100 * GB)).state(65 * GB, 900 * GB, growth);
        assert_eq!((state.room().days, kind(&state)), (days, expected), "{growth:?}");
        assert_eq!(state.room().left(), 30 * GB);
    }
}

#[test]
fn words_say_what_to_do() {
    let budget = budget(Some(100 * GB));
    assert_eq!(budget.state(0, 500 * GB, None).words(), None);
    let growth = Some(Growth { bytes: GB, seconds: 86_400 });
    let warned = budget.state(85 * GB, 500 * GB, growth).words().unwrap();
    assert!(warned.contains("85000 of 95000 MB") && warned.contains("10 days"), "{warned}");
    let stopped = budget.state(96 * GB, 500 * GB, growth).words().unwrap();
    assert!(stopped.contains("nothing was lost"), "{stopped}");
}

#[test]
fn a_folder_takes_what_its_files_take() {
    let dir = tempfile::tempdir().unwrap();
    let empty = used_bytes(dir.path()).unwrap();
    std::fs::create_dir(dir.path().join("below")).unwrap();
    std::fs::write(dir.path().join("below/file"), vec![1; 100_000]).unwrap();
    let used = used_bytes(dir.path()).unwrap() - empty;
    assert!((100_000..200_000).contains(&used), "{used}");
    assert!(free_bytes(dir.path()).unwrap() > 0);
    assert!(used_bytes(&dir.path().join("nowhere")).is_err());
    assert!(free_bytes(&dir.path().join("nowhere")).is_err());
}
