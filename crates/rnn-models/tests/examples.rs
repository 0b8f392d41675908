//! Runs the examples, and checks what they promise.

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
fn a_stream_read_batch_by_batch_is_the_whole_sequence() {
    for steps_a_batch in [1, 7, 60] {
        let difference = stateful_stream::largest_difference(steps_a_batch);
        assert!(difference < 1e-6, "{steps_a_batch} steps a batch: {difference}");
    }
}

#[test]
fn a_layer_of_burns_is_converted_by_one_line() {
    let comparison = from_burn_nn::compare().unwrap();
    assert!(comparison.largest_difference < 1e-6, "{}", comparison.largest_difference);
}
