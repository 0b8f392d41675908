//! Tests of resets: a batch with resets gives what its episodes give one by one.

use burn::tensor::{Bool, Device, Tensor, TensorData, Tolerance};
use rnn_kernels::{LstmState, Resets};

use super::{super::*, random};

/// First steps of the episodes, `[2, 7]`; the second row begins within an episode.
const BEGINS: [[bool; 7]; 2] = [
    [true, false, false, true, true, false, false],
    [false, false, false, false, false, true, false],
];

fn begins() -> Tensor<2, Bool> {
    Tensor::from_data(TensorData::from(BEGINS), &Device::flex())
}

/// The episodes of a row, as ranges of steps.
fn episodes(row: usize) -> Vec<std::ops::Range<usize>> {
    let starts: Vec<usize> = (0..7).filter(|step| *step == 0 || BEGINS[row][*step]).collect();
    let ends = starts[1..].iter().copied().chain([7]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn part(tensor: &Tensor<3>, row: usize, steps: &std::ops::Range<usize>) -> Tensor<3> {
    tensor.clone().narrow(0, row, 1).narrow(1, steps.start, steps.len())
}

fn assert_close<const D: usize>(what: &str, got: Tensor<D>, expected: Tensor<D>) {
    println!("{what}");
    got.into_data().assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-6));
}

/// Runs a batch with resets, and each of its episodes alone.
fn check<L: RecurrentLayer>(layer: &L, initial: Option<&L::State>, name: &str) {
    let input = random([2, 7, 3]);
    let batch = Sequences::from(input.clone()).with_resets(Resets::to_zeros(begins()));
    let (all, last) = layer.run(batch, initial.cloned());
    for row in 0..2 {
        for steps in episodes(row) {
            // Only the second row begins with the initial state.
            if initial.is_some() && row == 1 && steps.start == 0 {
                continue;
            }
            let (alone, state) = layer.run(part(&input, row, &steps).into(), None);
            assert_close(name, part(&all, row, &steps), alone);
            if steps.end == 7 {
                assert_close(name, L::hidden(&last).narrow(0, row, 1), L::hidden(&state));
            }
        }
    }
}

#[test]
fn a_batch_with_resets_gives_what_its_episodes_give() {
    let device = Device::flex();
    let state = || random([2, 4, 1]).squeeze_dim::<2>(2);
    check(&SimpleRnnConfig::new(3, 4).init(&device), Some(&state()), "SimpleRNN");
    check(&GruConfig::new(3, 4).init(&device), Some(&state()), "GRU");
    let initial = LstmState { hidden: state(), cell: state() };
    check(&LstmConfig::new(3, 4).init(&device), Some(&initial), "LSTM");
    // Other activations run separate tensor operations.
    let relu = burn::nn::activation::ActivationConfig::Relu;
    check(&GruConfig::new(3, 4).with_activation(relu).init(&device), None, "GRU with relu");
}

#[test]
fn resets_separate_episodes_in_both_directions_and_in_all_layers() {
    let device = Device::flex();
    let input = random([2, 7, 3]);
    let batch = || Sequences::from(input.clone()).with_resets(Resets::to_zeros(begins()));
    let both = BidirectionalConfig::new(LstmConfig::new(3, 4)).init(&device);
    let stack = StackConfig::new(GruConfig::new(3, 4), 2).init(&device);
    let (of_both, of_stack) =
        (both.forward(batch(), None).sequence, stack.forward(batch(), None).sequence);
    for row in 0..2 {
        for steps in episodes(row) {
            let alone = || part(&input, row, &steps);
            let both = both.forward(alone(), None).sequence;
            assert_close("both directions", part(&of_both, row, &steps), both);
            let stack = stack.forward(alone(), None).sequence;
            assert_close("stack", part(&of_stack, row, &steps), stack);
        }
    }
    let one = Sequences::from(input.clone().narrow(1, 0, 1))
        .with_resets(Resets::to_zeros(begins().narrow(1, 0, 1)));
    assert_eq!(both.forward(one, None).sequence.dims(), [2, 1, 8], "a single step");
}

#[test]
fn resets_to_the_initial_state_start_every_episode_from_it() {
    let device = Device::flex();
    let layer = LstmConfig::new(3, 4).init(&device);
    let input = random([2, 7, 3]);
    let state = || random([2, 4, 1]).squeeze_dim::<2>(2);
    let initial = LstmState { hidden: state(), cell: state() };
    let batch = Sequences::from(input.clone()).with_resets(Resets::to_initial(begins()));
    let all = layer.forward(batch, Some(initial.clone())).sequence;
    for row in 0..2 {
        let of_row = |state: &Tensor<2>| state.clone().narrow(0, row, 1);
        let initial = LstmState { hidden: of_row(&initial.hidden), cell: of_row(&initial.cell) };
        for steps in episodes(row) {
            let alone = layer.forward(part(&input, row, &steps), Some(initial.clone()));
            assert_close("to the initial state", part(&all, row, &steps), alone.sequence);
        }
    }
}
