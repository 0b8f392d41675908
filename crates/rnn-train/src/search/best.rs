//! The best trial of a search.

use rnn_files::write_atomic;
use serde_json::{Map, Value};

use super::{Search, Searching, Tested, TrialRun};
use crate::{
    backend::USE_CPU,
    error::Result,
    evaluation::{SeriesEvaluation, best, verdict},
    run::seal_results,
    settings::{OptionList, Options, ScoredSet},
    text::number,
    training::Trained,
};

impl Searching<'_> {
    /// The settings of a trial, for a separate training.
    pub(crate) fn best_options(&self, run: &TrialRun) -> Result<Map<String, Value>> {
        Options { artifacts: None, score: None, ..self.options(run)? }.entries()
    }

    /// The scores of a trial on the test set. A trial is scored only once.
    pub(crate) fn test(&self, run: &TrialRun, search: &mut Search) -> Result<SeriesEvaluation> {
        let trial = run.name();
        let scores = match search.tested.iter().find(|tested| tested.trial == trial) {
            Some(tested) => tested.scores.clone(),
            None => {
                let trained = Trained::open(&run.root(&self.folder), self.experiment)?
                    .scored_on(ScoredSet::Test);
                let task = trained.series_task(None, None)?;
                let device = &self.backend.device;
                let scores = self.backend.guard(USE_CPU, || {
                    task.evaluate_mean(&[trained.load(&task, device)?], device, None)
                })?;
                let scores = SeriesEvaluation { best_epoch: Some(trained.best.epoch), ..scores };
                search.tested.push(Tested { trial, scores: scores.clone() });
                search.write(&self.folder)?;
                scores
            }
        };
        write_atomic(&self.folder.join(super::TEST), seal_results(&scores)?.as_bytes())?;
        Ok(scores)
    }
}

impl Search {
    /// Describes the test scores of the best trial, with the number of times that set was scored.
    pub(crate) fn describe(&self, test: &SeriesEvaluation, name: &str) -> String {
        let tested: Vec<&str> = self.tested.iter().map(|tested| tested.trial.as_str()).collect();
        let times = match tested.len() {
            1 => "once".to_owned(),
            times => format!("{times} times by this search ({})", tested.join(", ")),
        };
        let baseline = best(&test.baselines).map_or_else(String::new, |best| {
            let (rmse, mae) = (number(best.scores.rmse), number(best.scores.mae));
            format!(" ({}: RMSE {rmse}, MAE {mae})", best.name)
        });
        let (rmse, mae) = (number(test.model.rmse), number(test.model.mae));
        let verdict = verdict("The model", test.skill, &test.baselines);
        format!(
            "Test set, scored {times}, after the choice of {name}: RMSE {rmse}, MAE {mae}\
             {baseline}.\n{verdict}"
        )
    }
}
