//! The Python that runs the peers' scripts.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::shell::{Result, root, run as run_command, say};

const FOLDER: &str = "benches/.peers";
const REQUIREMENTS: &str = "benches/peers/requirements.txt";
/// Looks for the packages that the scripts import. Looking for a package is fast; importing
/// TensorFlow is slow.
const LOOK: &str = "import importlib.util as u; print(*(m for m in ('keras', 'numpy', \
                    'tensorflow', 'torch') if u.find_spec(m) is None))";

/// Returns the requested interpreter, or that of the peers' environment, which is created if
/// missing.
pub(super) fn interpreter(asked: Option<&Path>) -> Result<PathBuf> {
    let (python, remedy) = match asked {
        Some(python) => {
            // A bare name is looked up in `PATH`. The path is not canonicalised: an environment's
            // interpreter is a link, and it finds its packages by the link's location.
            let by_name = python.components().count() == 1 && !python.exists();
            let python = if by_name { python.to_owned() } else { std::path::absolute(python)? };
            (
                python,
                format!("install them with `pip install -r {REQUIREMENTS}`, or leave out --python"),
            )
        }
        None => {
            let folder = root().join(FOLDER);
            if !folder.exists() {
                make(&folder)?;
            }
            let python = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
            (
                folder.join(python),
                format!(
                    "remove {FOLDER} and run this again, or name another interpreter with --python"
                ),
            )
        }
    };
    let output = Command::new(&python).args(["-c", LOOK]).output();
    let output =
        output.map_err(|error| format!("{} does not run ({error}); {remedy}", python.display()))?;
    if !output.status.success() {
        let problem = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("{} does not run ({problem}); {remedy}", python.display()).into());
    }
    match String::from_utf8_lossy(&output.stdout).trim() {
        "" => Ok(python),
        missing => {
            Err(format!("{} lacks the packages {missing}; {remedy}", python.display()).into())
        }
    }
}

fn make(folder: &Path) -> Result<()> {
    let system = if cfg!(windows) { "python" } else { "python3" };
    say(&format!(
        "making {FOLDER} and installing {REQUIREMENTS} (several GB, once; remove the folder to \
         undo)"
    ));
    let mut environment = Command::new(system);
    environment.args(["-m", "venv"]).arg(folder);
    let mut pip =
        Command::new(folder.join(if cfg!(windows) { "Scripts/pip.exe" } else { "bin/pip" }));
    pip.args(["install", "--quiet", "--requirement"]).arg(root().join(REQUIREMENTS));
    // Standard output is reserved for the tables.
    pip.stdout(std::process::Stdio::null());
    run_command(environment).and_then(|()| run_command(pip)).map_err(|problem| {
        // Otherwise an incomplete environment would be used the next time.
        let _ = fs_err::remove_dir_all(folder);
        let needed = "the peers need Python 3.10 or newer with venv and pip; --python names an \
                      interpreter that has their packages";
        format!("{problem}\n{needed}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_that_is_not_there_is_named_with_a_remedy() {
        let error = interpreter(Some(Path::new("no-such-python"))).unwrap_err().to_string();
        assert!(error.contains("no-such-python") && error.contains("pip install -r"), "{error}");
    }
}
