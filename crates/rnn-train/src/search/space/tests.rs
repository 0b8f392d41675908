use super::*;
use crate::search::points::{Drawn, Points};

fn listed(points: &Points) -> Vec<Point> {
    (0..points.len()).map(|index| points.get(index)).collect()
}

const TEXT: &str = "# a space
learning_rate = { min = 1e-4, max = 1e-2, log = true, steps = 3 }
units = [[8], [16, 8]]
window = { min = 5, max = 8, steps = 4 }
";

fn refused(text: &str) -> String {
    Space::parse(text).unwrap_err()
}

fn all(_: &Point) -> Result<()> {
    Ok(())
}

fn fitting(fits: impl Fn(&Point) -> bool) -> impl Fn(&Point) -> Result<()> {
    move |point| {
        if fits(point) { Ok(()) } else { Err(Error::Usage("it does not fit".to_owned())) }
    }
}

#[test]
fn keys_are_in_the_order_of_the_file() {
    let space = Space::parse(TEXT).unwrap();
    assert_eq!(
        space.dimensions.iter().map(|one| (one.key.as_str(), one.line)).collect::<Vec<_>>(),
        [("learning_rate", 2), ("units", 3), ("window", 4)]
    );
}

#[test]
fn random_points_are_distinct_in_range_and_independent_of_their_number() {
    let space = Space::parse(TEXT).unwrap();
    let not_seven = fitting(|point| point["window"] != 7);
    let Drawn { points, refused, refusal } = space.random(1, 60, &Point::new(), &not_seven);
    assert_eq!(refusal, "it does not fit");
    let points = listed(&points);
    assert_eq!(points.len(), 60);
    assert!(refused > 5, "{refused}");
    assert_eq!(listed(&space.random(1, 10, &Point::new(), &not_seven).points), points[..10]);
    assert_ne!(listed(&space.random(2, 10, &Point::new(), all).points), points[..10]);
    let rates: Vec<f64> =
        points.iter().map(|point| point["learning_rate"].as_f64().unwrap()).collect();
    assert!(rates.iter().all(|rate| (1e-4..=1e-2).contains(rate)));
    let small = rates.iter().filter(|rate| **rate < 1e-3).count();
    assert!((20..40).contains(&small), "half of the logarithms: {small}");
    for window in [5, 6, 8] {
        assert!(points.iter().any(|point| point["window"] == window), "{window}");
    }
    assert!(points.iter().all(|point| overlay(point).is_ok()));
}

#[test]
fn the_first_points_are_variations_of_the_baseline() {
    let space = Space::parse(TEXT).unwrap();
    let json = |text: &str| serde_json::from_str::<Point>(text).unwrap();
    let baseline = json(r#"{"learning_rate": 1e-3, "units": [8], "window": 6}"#);
    let points = listed(&space.random(1, 60, &baseline, all).points);
    let expected = [
        r#"{"learning_rate": 3.162e-3, "units": [8], "window": 6}"#,
        r#"{"learning_rate": 1e-3, "units": [16, 8], "window": 6}"#,
        r#"{"learning_rate": 1e-3, "units": [8], "window": 7}"#,
        r#"{"learning_rate": 3.162e-4, "units": [8], "window": 6}"#,
    ];
    assert_eq!(points[..4], expected.map(json));
    assert_eq!(points.len(), 60);
    let two = listed(&space.random(1, 2, &baseline, all).points);
    assert_eq!(two, points[..2], "the first of any number");
    let valid = fitting(|point| point["units"] == serde_json::json!([8]));
    let drawn = space.random(1, 3, &baseline, valid);
    assert_eq!((listed(&drawn.points)[1].clone(), drawn.refused), (json(expected[2]), 1));
    // A baseline that is not in the space.
    let other = json(r#"{"learning_rate": 1.0, "units": [64], "window": 5}"#);
    let points = listed(&space.random(1, 4, &other, all).points);
    assert_eq!(points[1]["units"], serde_json::json!([8]));
    assert_eq!(points[0]["learning_rate"], 0.01);
}

#[test]
fn a_small_space_runs_out_of_points() {
    let space = Space::parse("units = [[8], [16]]\ncell = [\"lstm\", \"gru\"]").unwrap();
    assert_eq!(space.random(1, 60, &Point::new(), all).points.len(), 4);
}

#[test]
fn a_grid_has_every_combination() {
    let space = Space::parse(TEXT).unwrap();
    let points = listed(&space.grid(Path::new("space.toml"), all).unwrap().points);
    assert_eq!(points.len(), 3 * 2 * 4);
    assert_eq!(
        points[0],
        serde_json::json!({ "learning_rate": 1e-4, "units": [8], "window": 5 })
            .as_object()
            .unwrap()
            .clone()
    );
    assert_eq!(points[1]["window"], 6);
    assert_eq!(points[8]["learning_rate"], 1e-3);
    let Drawn { points, refused, .. } =
        space.grid(Path::new("space.toml"), fitting(|point| point["window"] == 5)).unwrap();
    assert_eq!((points.len(), refused), (6, 18));
    let without = Space::parse("batch_size = [8]\ndropout = { min = 0.0, max = 0.5 }").unwrap();
    let problem = without.grid(Path::new("space.toml"), all).unwrap_err().to_string();
    assert!(
        problem.starts_with("space.toml, line 2: `dropout`: a grid needs `steps`, like {"),
        "{problem}"
    );
}

#[test]
fn bad_spaces_are_refused_with_their_line() {
    for (text, expected) in [
        ("", "no keys; expected lines like"),
        (
            "window = 5",
            "line 1: `window`: expected a list like [1, 2, 3], or a range like \
             { min = 1, max = 3 }, got 5",
        ),
        (
            "\nwindow = []",
            "line 2: `window`: expected a list like [1, 2, 3], or a range like \
             { min = 1, max = 3 }, got an empty list",
        ),
        (
            "batch_size = [1]\n\nlerning_rate = [0.1]",
            "line 3: unknown key `lerning_rate`; did you mean `learning_rate`?",
        ),
        (
            "window = { min = 9, max = 5 }",
            "line 1: `window`: expected min below max, got min 9 and max 5",
        ),
        ("window = { min = 5, max = 5 }", "line 1: `window`: expected min below max"),
        (
            "dropout = { min = 0.0, max = 0.5, log = true }",
            "line 1: `dropout`: a logarithmic range needs min above 0, got 0.0",
        ),
        (
            "dropout = { min = 0.0, max = nan }",
            "line 1: `dropout`: expected a number for max, got nan",
        ),
        (
            "dropout = { min = 0.0, max = 0.5, step = 3 }",
            "line 1: `dropout`: expected a list like [1, 2, 3], or a range like \
             { min = 1, max = 3 }: unknown field `step`",
        ),
        ("dropout = { min = 0.0 }", "missing field `max`"),
        (
            "dropout = { min = 0.0, max = 0.5, steps = 1 }",
            "`dropout`: expected from 2 to 100000 steps",
        ),
        ("horizon = [1, 2]", "line 1: `horizon`: selects which values are predicted and scored"),
        ("backend = [\"wgpu\"]", "line 1: `backend`: not a training setting"),
        (
            "dropout = { min = 0.1, max = 0.5, steps = 3000000000 }",
            "expected from 2 to 100000 steps",
        ),
        ("dropout = [nan, 0.1]", "got nan in it"),
        ("season = [1, 5]", "line 1: `season`: not a training setting"),
        ("window = [5", "line 1: `window`: unclosed array"),
        ("units = 5", "line 1: `units`: expected a list of lists like [[32], [64]], got 5"),
    ] {
        let problem = refused(text);
        assert!(problem.contains(expected), "{text}: expected `{expected}` in `{problem}`");
    }
}

#[test]
fn invalid_values_are_refused_with_their_line() {
    let space = Space::parse("batch_size = [8, 16]\ndropout = { min = 0.5, max = 1.5 }").unwrap();
    let problem = space.check(Path::new("space.toml"), |_| Ok(())).unwrap_err().to_string();
    assert_eq!(
        problem,
        "space.toml, line 2: `dropout`: expected a number of at least 0 and below 1, got `1.5`"
    );
    let problem = space
        .check(Path::new("space.toml"), |_| Err(Error::Usage("it does not fit".to_owned())))
        .unwrap_err()
        .to_string();
    assert_eq!(problem, "space.toml, line 1: `batch_size = 8`: it does not fit");
    let space = Space::parse("units = [32, 64]").unwrap();
    let problem = space.check(Path::new("space.toml"), |_| Ok(())).unwrap_err().to_string();
    assert!(problem.ends_with("(use a list of lists like [[32], [64]])"), "{problem}");
}
