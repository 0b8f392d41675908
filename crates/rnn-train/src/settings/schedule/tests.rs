use super::*;

/// The rates of a run of ten epochs with four steps each and rate 0.8.
fn rates(schedule: &str, warmup: f64) -> Vec<f64> {
    let (mut scheduler, _) = scheduler(schedule, warmup, 1);
    (0..40).map(|_| scheduler.step()).collect()
}

fn scheduler(schedule: &str, warmup: f64, first_epoch: usize) -> (RunScheduler, Arc<Rates>) {
    let settings = RateSettings { rate: 0.8, schedule: schedule.parse().unwrap(), warmup };
    settings.check(10).unwrap();
    settings.build(Span { first_epoch, last_epoch: first_epoch + 9, steps_per_epoch: 4 }).unwrap()
}

fn near(rates: &[f64], expected: impl Fn(usize) -> f64) {
    for (step, &rate) in rates.iter().enumerate() {
        assert!(
            (rate - expected(step)).abs() < 1e-12,
            "step {step}: {rate}, expected {}",
            expected(step)
        );
    }
}

#[test]
fn schedules_match_their_formulas() {
    use std::f64::consts::PI;
    near(&rates("constant", 0.0), |_| 0.8);
    near(&rates("cosine", 0.0), |step| 0.4 * (1.0 + (PI * step as f64 / 40.0).cos()));
    near(&rates("cosine:5", 0.0), |step| 0.4 * (1.0 + (PI * (step % 20) as f64 / 20.0).cos()));
    near(&rates("step:3:0.5", 0.0), |step| 0.8 * 0.5f64.powi((step / 12) as i32));
    near(&rates("exponential:0.9", 0.0), |step| 0.8 * 0.9f64.powf(step as f64 / 4.0));
}

#[test]
fn a_warm_up_rises_linearly_to_the_start_of_the_schedule() {
    let warmed = rates("exponential:0.9", 1.5);
    near(&warmed[..6], |step| 0.8 * (step + 1) as f64 / 7.0);
    near(&warmed[6..], |step| 0.8 * 0.9f64.powf(step as f64 / 4.0));
    let warmed = rates("cosine:3", 1.0);
    assert_eq!((warmed[4], warmed[16], warmed[28]), (0.8, 0.8, 0.8));
}

#[test]
fn a_plateau_lowers_the_rate_after_epochs_without_a_better_loss() {
    let (mut scheduler, rates) = scheduler("plateau:2:0.5", 0.0, 1);
    let seen: Vec<f64> = [3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0]
        .into_iter()
        .map(|loss| {
            (0..4).for_each(|_| _ = scheduler.step());
            rates.judge(loss);
            rates.last()
        })
        .collect();
    assert_eq!(seen, [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
}

#[test]
fn a_run_resumes_from_its_record_and_a_new_run_starts_over() {
    for schedule in ["cosine", "cosine:5", "step:3:0.5", "exponential:0.9", "plateau:1:0.5"] {
        let (mut first, rates) = scheduler(schedule, 1.0, 1);
        (0..12).for_each(|_| _ = first.step());
        rates.judge(1.0);
        rates.judge(2.0);
        let record = first.to_record();
        let bytes = record.clone().into_bytes().unwrap();
        let (mut same, _) = scheduler(schedule, 1.0, 1);
        same.load_record(LrSchedulerRecord::from_bytes(bytes).unwrap());
        let (mut later, _) = scheduler(schedule, 1.0, 11);
        later.load_record(record);
        let (mut anew, _) = scheduler(schedule, 1.0, 11);
        for _ in 12..40 {
            assert_eq!(first.step(), same.step(), "{schedule}");
            assert_eq!(later.step(), anew.step(), "{schedule}");
        }
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for name in
        ["constant", "cosine", "cosine:5", "step:3:0.5", "exponential:0.9", "plateau:4:0.25"]
    {
        assert_eq!(name.parse::<RateSchedule>().unwrap().to_string(), name);
    }
    for bad in [
        "",
        "Cosine",
        "cosine:0",
        "cosine:1.5",
        "step:3",
        "step:3:1",
        "step:3:0",
        "exponential",
        "exponential:nan",
        "plateau:4",
        "step:3:0.5:1",
    ] {
        let problem = bad.parse::<RateSchedule>().unwrap_err();
        assert!(
            problem.contains("plateau:EPOCHS:FACTOR") && problem.ends_with(&format!("got `{bad}`")),
            "{problem}"
        );
    }
}

#[test]
fn a_schedule_longer_than_the_run_is_refused() {
    let check = |schedule: &str, warmup, epochs| {
        RateSettings { rate: 0.1, schedule: schedule.parse().unwrap(), warmup }
            .check(epochs)
            .map_err(|error| error.to_string())
    };
    for (schedule, warmup, epochs) in [
        ("constant", 10.0, 10),
        ("cosine:11", 0.0, 10),
        ("cosine:9", 2.0, 10),
        ("step:10:0.5", 0.0, 10),
        ("step:8:0.5", 2.0, 10),
        ("plateau:10:0.5", 0.0, 10),
        ("cosine", 1.0, 1),
    ] {
        let problem = check(schedule, warmup, epochs).unwrap_err();
        assert!(problem.contains("too long for a run of"), "{problem}");
    }
    for (schedule, warmup, epochs) in [
        ("cosine", 0.0, 1),
        ("cosine:10", 0.0, 10),
        ("step:9:0.5", 0.0, 10),
        ("exponential:0.5", 9.9, 10),
        ("plateau:9:0.5", 0.0, 10),
    ] {
        check(schedule, warmup, epochs).unwrap();
    }
    assert!(check("cosine:1", 0.0, 2000).unwrap_err().contains("2000 restarts"));
}

#[test]
fn a_rate_that_burn_refuses_is_an_error() {
    let settings =
        RateSettings { rate: 2.0, schedule: RateSchedule::Cosine { restart: None }, warmup: 0.0 };
    let problem = settings
        .build(Span { first_epoch: 1, last_epoch: 2, steps_per_epoch: 1 })
        .err()
        .unwrap()
        .to_string();
    assert!(
        problem.contains("--schedule cosine with rate 2") && problem.contains("at most 1"),
        "{problem}"
    );
}
