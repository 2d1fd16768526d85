use super::{Extent, Finding};
use crate::database::{Error, Examiner, Markers, Prepared, Role};

/// Whether there is what settling an ambiguous commit needs, after preparing for it if that was asked for.
pub(super) async fn examine(
    examiner: &mut Examiner<'_>,
    role: &Role,
    prepare: bool,
    tell: &mut impl FnMut(Finding),
) -> Result<Extent, Error> {
    let schema = Examiner::OWN_SCHEMA;
    let table = format!("{schema}.commit_marker");
    if prepare {
        match examiner.prepare().await {
            Ok(Prepared::Made) => tell(Finding::ok("prepare", format!("made table {table}"))),
            Ok(Prepared::Before) => {
                tell(Finding::ok(
                    "prepare",
                    format!("nothing to do: table {table} is there"),
                ));
            }
            Err(Error::Database(error)) => {
                let finding = Finding::failure("prepare", format!("table {table}: {error}"));
                tell(finding.advise(format!(
                    "let a role do it once that may: GRANT CREATE ON DATABASE … TO \"{}\", or log in as the database's owner",
                    role.name
                )));
                return Ok(Extent::Refused);
            }
            Err(error) => return Err(error),
        }
    }
    tell(match examiner.markers().await? {
        Markers::Usable => Finding::ok(
            "commit markers",
            format!("table {table} is there for the transactions of later versions"),
        ),
        Markers::Missing => Finding::warning(
            "commit markers",
            format!("there is no table {table}: a commit whose answer is lost stays ambiguous"),
            if role.creates_schemas {
                "run `host check --prepare` once"
            } else {
                "run `host check --prepare` once, as a role that may make schemas"
            },
        ),
        Markers::Denied(lacking) => {
            let role = &role.name;
            let on_table: Vec<_> = lacking.iter().copied().filter(|p| *p != "USAGE").collect();
            let on_schema = lacking.contains(&"USAGE");
            let grants = [
                on_schema.then(|| format!("GRANT USAGE ON SCHEMA {schema} TO \"{role}\"")),
                (!on_table.is_empty())
                    .then(|| format!("GRANT {} ON {table} TO \"{role}\"", on_table.join(", "))),
            ];
            Finding::warning(
                "commit markers",
                format!(
                    "`{role}` may not use table {table}: a commit whose answer is lost stays ambiguous"
                ),
                grants.into_iter().flatten().collect::<Vec<_>>().join("; "),
            )
        }
    });
    Ok(Extent::Everything)
}
