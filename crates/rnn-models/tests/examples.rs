//! Runs the examples and checks their results.

#[path = "../examples/from_burn_nn.rs"]
mod from_burn_nn;
#[path = "../examples/sine.rs"]
mod sine;
#[path = "../examples/stateful_stream.rs"]
mod stateful_stream;

#[test]
fn an_lstm_learns_a_sine() {
    let losses = sine::train();
    let [first, last] = [losses[0], losses[losses.len() - 1]];
    assert!(last < 0.05 * first, "the loss went from {first} to {last}");
}

#[test]
fn a_stream_read_in_batches_equals_the_whole_sequence() {
    for steps_per_batch in [1, 7, 60] {
        let difference = stateful_stream::largest_difference(steps_per_batch);
        assert!(difference < 1e-6, "{steps_per_batch} steps per batch: {difference}");
    }
}

#[test]
fn a_converted_burn_nn_layer_gives_the_same_outputs() {
    let comparison = from_burn_nn::compare().unwrap();
    assert!(comparison.largest_difference < 1e-6, "{}", comparison.largest_difference);
}
