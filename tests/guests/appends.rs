//! Appends to lists and reads them, several in a transaction. The lists are the rows of `lists (key, items)`.

use chitin::{Result, eq, operation, query, table};
use guests::{Script, Told};
use serde::{Deserialize, Serialize};

chitin::plugin!(run, operations: [perform]);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Appends {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    Append { key: i64, value: i64 },
    Read { key: i64, list: Option<Vec<i64>> },
}

fn run(script: Script<Appends>) -> Result<Vec<Told<Vec<Step>>>> {
    guests::play(script, perform::with, perform::here)
}

/// Answers the same steps, with the lists that were read.
#[operation]
fn perform(appends: Appends) -> Result<Vec<Step>> {
    let mut steps = appends.steps;
    for step in &mut steps {
        match step {
            Step::Append { key, value } => {
                let append = "UPDATE lists SET items = array_append(items, $2) WHERE key = $1";
                query(append).bind(*key).bind(*value).execute()?;
            }
            Step::Read { key, list } => {
                let Some(row) = table("lists").filter(eq("key", *key)).select_one()? else {
                    return Err("there is no such list".into());
                };
                *list = Some(row.get("items")?);
            }
        }
    }
    Ok(steps)
}
