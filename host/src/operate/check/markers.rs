use super::{Extent, Finding};
use crate::database::{Error, Examiner, Markers, Prepared, Role};

const SUBJECT: &str = "commit markers";

/// What it means that there are no markers.
const AMBIGUOUS: &str = "a commit whose answer is lost stays ambiguous";

/// What is to be done about commit markers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preparation<'a> {
    /// Whether to make what the host needs, unless it is there.
    pub make: bool,
    /// The role that plugins run as, if it is not the one that is logged in.
    pub role: Option<&'a str>,
}

/// Whether there is what settling an ambiguous commit needs, after preparing for it if that was asked for.
pub(super) async fn examine(
    examiner: &mut Examiner<'_>,
    role: &Role,
    preparation: Preparation<'_>,
    tell: &mut impl FnMut(Finding),
) -> Result<Extent, Error> {
    let table = Examiner::MARKERS;
    let other = preparation.role.filter(|other| *other != role.name);
    if preparation.make {
        let user = other.unwrap_or(&role.name);
        match examiner.prepare(other).await {
            Ok(prepared) => tell(Finding::ok(
                "prepare",
                match prepared {
                    Prepared::Made => format!("made table {table}"),
                    Prepared::Granted => format!("`{user}` may use table {table} now"),
                    Prepared::Before => format!("nothing to do: table {table} is there"),
                },
            )),
            Err(Error::Database(error)) => {
                let finding = Finding::failure("prepare", format!("table {table}: {error}"));
                tell(finding.advise(format!(
                    "let a role do it once that may, such as the database's owner: `host check --prepare --for {user}`, logged in as that one"
                )));
                return Ok(Extent::Refused);
            }
            Err(error) => return Err(error),
        }
    }
    let finding = match examiner.markers(other).await {
        Ok(markers) => judge(&markers, role, other),
        Err(Error::Database(error)) => {
            tell(Finding::failure(SUBJECT, format!("table {table}: {error}")));
            return Ok(Extent::Refused);
        }
        Err(error) => return Err(error),
    };
    tell(finding);
    Ok(Extent::Everything)
}

/// What it means for the role that plugins run as: the one that is logged in if no other is named.
fn judge(markers: &Markers, role: &Role, other: Option<&str>) -> Finding {
    let table = Examiner::MARKERS;
    let user = other.unwrap_or(&role.name);
    let prepare = format!("`host check --prepare --for {user}`");
    match markers {
        Markers::Missing => Finding::warning(
            SUBJECT,
            format!("there is no table {table}: {AMBIGUOUS}"),
            if other.is_none() && role.is_superuser {
                "run `host check --prepare` once".to_owned()
            } else if other.is_none() && role.creates_schemas {
                format!("run {prepare} once, as another role: what makes the table could change it")
            } else if role.creates_schemas {
                format!("run {prepare} once")
            } else {
                format!("run {prepare} once, as a role that may make schemas")
            },
        ),
        Markers::Denied(lacking) => Finding::warning(
            SUBJECT,
            format!(
                "`{user}` may not use table {table}, for want of {}: {AMBIGUOUS}",
                lacking.join(" and ")
            ),
            format!("run {prepare} once, as the owner of the table"),
        ),
        Markers::Usable { cleaned: false, .. } => Finding::warning(
            SUBJECT,
            format!("table {table} is there, and nothing removes old markers from it"),
            format!("run {prepare} once, as the owner of the table"),
        ),
        Markers::Usable { exposed: true, .. } if other.is_some() || !role.is_superuser => {
            Finding::warning(
                SUBJECT,
                format!(
                    "table {table} is there, and `{user}` could change it: functions that a plugin makes or calls by SQL may do what the host \
                 refuses in its texts"
                ),
                format!(
                    "give what is in schema chitin_internal, and the schema, to another role (ALTER … OWNER TO), take UPDATE and DELETE from \
                 `{user}`, and run {prepare} as that role"
                ),
            )
        }
        Markers::Usable { .. } => Finding::ok(
            SUBJECT,
            format!(
                "table {table} is there: what becomes of a commit whose answer is lost can be found out"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Markers, Role, judge};
    use crate::operate::Verdict;

    #[track_caller]
    fn says(finding: &Finding, verdict: Verdict, text: &str, advice: &str) {
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.text.contains(text), "{finding:?}");
        let given = finding.advice.as_deref().unwrap_or_default();
        assert!(given.contains(advice), "{finding:?}");
    }

    #[test]
    fn each_state_of_the_markers_has_its_advice_for_the_role_that_plugins_run_as() {
        let app = Role {
            name: "app".to_owned(),
            ..Role::default()
        };
        let owner = Role {
            creates_schemas: true,
            ..app.clone()
        };
        let missing = Markers::Missing;
        says(
            &judge(&missing, &app, None),
            Verdict::Warning,
            "stays ambiguous",
            "`host check --prepare --for app` once, as a role that may make schemas",
        );
        says(
            &judge(&missing, &owner, None),
            Verdict::Warning,
            "stays ambiguous",
            "as another role",
        );
        says(
            &judge(&missing, &owner, Some("plugins")),
            Verdict::Warning,
            "stays ambiguous",
            "`host check --prepare --for plugins` once",
        );
        says(
            &judge(&Markers::Denied(vec!["USAGE", "INSERT"]), &app, None),
            Verdict::Warning,
            "`app` may not use table chitin_internal.commit_marker, for want of USAGE and INSERT",
            "as the owner of the table",
        );
        for (exposed, cleaned, verdict, text) in [
            (false, true, Verdict::Ok, "can be found out"),
            (true, true, Verdict::Warning, "`app` could change it"),
            (
                false,
                false,
                Verdict::Warning,
                "nothing removes old markers",
            ),
        ] {
            let markers = Markers::Usable { exposed, cleaned };
            let advice = if verdict == Verdict::Ok {
                ""
            } else {
                "--for app"
            };
            says(&judge(&markers, &app, None), verdict, text, advice);
        }
    }
}
