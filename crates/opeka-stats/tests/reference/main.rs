//! Our numbers against those of the reference packages.
//!
//! Trials named `carried::…` read the small panels in `tests/reference/` of the workspace and always
//! run. The others read the folder that `OPEKA_REFERENCE` names, and are reported as ignored where
//! it names none; a variable that names no folder fails the run.

mod callaway;
mod control;
mod event_studies;
mod factors;
mod forecasts;
mod growth;
mod honest;
mod its;
mod joinpoint;
mod mann_kendall;
mod posterior;
mod rates;
mod resampling;
mod staggered;
mod standardised;
mod structural;
mod support;
mod synthetic;
mod synthetic_did;
mod trends;
mod twfe;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::Arguments;

#[allow(clippy::print_stderr, reason = "a test runner talks to whoever runs it")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = std::env::var_os("OPEKA_REFERENCE").filter(|value| !value.is_empty());
    let folder = folder.map(PathBuf::from);
    if let Some(path) = folder.as_deref().filter(|path| !path.is_dir()) {
        eprintln!("OPEKA_REFERENCE names no folder: {}", path.display());
        return ExitCode::FAILURE;
    }
    let reference = folder.as_deref();
    let mut trials = rates::trials(reference);
    trials.extend(standardised::trials(reference));
    trials.extend(forecasts::trials(reference));
    trials.extend(joinpoint::trials(reference));
    trials.extend(trends::trials(reference));
    trials.extend(control::trials(reference));
    trials.extend(mann_kendall::trials(reference));
    trials.extend(growth::trials(reference));
    trials.extend(honest::trials(reference));
    trials.extend(twfe::trials(reference));
    trials.extend(event_studies::trials(reference));
    trials.extend(staggered::trials(reference));
    trials.extend(callaway::trials(reference));
    trials.extend(synthetic::trials(reference));
    trials.extend(its::trials(reference));
    trials.extend(resampling::trials(reference));
    trials.extend(synthetic_did::trials(reference));
    trials.extend(factors::trials(reference));
    trials.extend(structural::trials(reference));
    trials.extend(posterior::trials(reference));
    libtest_mimic::run(&arguments, trials).exit_code()
}
