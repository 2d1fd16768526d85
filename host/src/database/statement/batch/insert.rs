use super::{
    BatchStatements, Chunk, ChunkStatement, Purpose, Reply,
    keys::{REPORT_TWICE, UNLESS_TWICE, push_list},
};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{ConflictAction, Returning},
    statement::{
        Statement,
        builder::Builder,
        write::{push_conflict, push_returning},
    },
    table_info::ColumnInfo,
};

/// A part of the key by which inserted rows are found again.
struct KeyPart<'k> {
    column: Identifier,
    /// What holds it in `input`.
    input: String,
    /// The SQL of the default that is drawn for it before the insert, because the batch does not give it.
    drawn: Option<&'k str>,
    exact_type: Option<&'k str>,
}

impl KeyPart<'_> {
    /// The part as the column would hold it: cut or rounded as its type says.
    fn stored(&self) -> String {
        match self.exact_type {
            Some(exact_type) => format!("{}::{exact_type}", self.input),
            None => self.input.clone(),
        }
    }
}

/// A statement that is never run: the types of its parameters are those of the columns.
pub(super) fn describe(table: &QualifiedName, columns: &[Identifier]) -> String {
    let mut builder = Builder::new();
    builder
        .sql("INSERT INTO ")
        .sql(table)
        .sql(" (")
        .names(columns)
        .sql(") VALUES (");
    for number in 1..=columns.len() {
        let separator = if number == 1 { "" } else { ", " };
        builder.sql(format_args!("{separator}${number}"));
    }
    builder.sql(")");
    builder.finish().sql
}

impl BatchStatements<'_> {
    pub(super) fn insert_chunk(&self, chunk: &Chunk) -> Result<ChunkStatement<'_>, Error> {
        let is_about_keys = self.purpose != Purpose::Insert
            || (*self.returning != Returning::Nothing && self.known.table.is_some());
        let key = if is_about_keys && !chunk.columns.is_empty() {
            self.key_parts(chunk)
        } else {
            None
        };
        match key {
            None => self.insert_in_order(chunk),
            Some(key) if *self.returning == Returning::Nothing => {
                self.insert_reporting(chunk, &key)
            }
            Some(key) => self.insert_placing(chunk, &key),
        }
    }

    /// The columns of the key that decides on conflicts, or else of the primary key: those that are given, and those whose default can
    /// be drawn. Without all of them, rows cannot be found again.
    fn key_parts(&self, chunk: &Chunk) -> Option<Vec<KeyPart<'_>>> {
        let table = self.known.table.as_deref();
        let key: Vec<Identifier> = if self.purpose == Purpose::Insert {
            let names = table?.primary_key().map(Identifier::column);
            names.collect::<Result<_, _>>().ok()?
        } else {
            self.key.clone()
        };
        let part = |(number, column): (usize, Identifier)| {
            let info: Option<&ColumnInfo> = table.and_then(|table| table.column(column.as_str()));
            let given = chunk
                .columns
                .iter()
                .position(|&place| self.columns[place] == column);
            let (input, drawn) = match given {
                Some(place) => (format!("c{place}"), None),
                None => (format!("d{number}"), Some(info?.default.as_deref()?)),
            };
            Some(KeyPart {
                input,
                drawn,
                exact_type: info.map(|info| info.exact_type.as_str()),
                column,
            })
        };
        let parts: Option<Vec<_>> = key.into_iter().enumerate().map(part).collect();
        parts.filter(|parts| !parts.is_empty())
    }

    /// One plain statement, whose rows are in order as far as the database keeps it: they are inserted in order.
    fn insert_in_order(&self, chunk: &Chunk) -> Result<ChunkStatement<'_>, Error> {
        let mut builder = Builder::new();
        self.push_insert(&mut builder);
        if chunk.columns.is_empty() {
            self.push_defaults(&mut builder, chunk);
        } else {
            builder.sql(" (").names(&self.names(chunk)).sql(") SELECT ");
            for (number, &place) in chunk.columns.iter().enumerate() {
                let separator = if number == 0 { "" } else { ", " };
                let cast = self.cast(place);
                builder
                    .sql(separator)
                    .sql(format_args!("c{number}::{cast}"));
            }
            self.push_unnest(&mut builder, &chunk.columns, &chunk.rows)?;
            builder.sql(" ORDER BY o");
        }
        self.push_on_conflict(&mut builder, chunk);
        push_returning(&mut builder, self.returning)?;
        Ok(ChunkStatement {
            statement: builder.finish(),
            reply: Reply::Rows,
        })
    }

    fn insert_reporting(
        &self,
        chunk: &Chunk,
        key: &[KeyPart<'_>],
    ) -> Result<ChunkStatement<'_>, Error> {
        let mut builder = Builder::new();
        self.push_written(&mut builder, chunk, key, "written")?;
        builder
            .sql(" RETURNING 1) SELECT (SELECT count(*) FROM written), ")
            .sql(REPORT_TWICE);
        Ok(ChunkStatement {
            statement: builder.finish(),
            reply: Reply::Report,
        })
    }

    /// Gives the rows back with their places, found by the key. The key of the batch is compared as what the column holds.
    fn insert_placing(
        &self,
        chunk: &Chunk,
        key: &[KeyPart<'_>],
    ) -> Result<ChunkStatement<'_>, Error> {
        let mut builder = Builder::new();
        let wanted = match self.returning {
            Returning::Columns(columns) => Some(columns),
            Returning::Nothing | Returning::AllColumns => None,
        };
        if let Some(wanted) = wanted {
            let names = (0..wanted.len()).map(|number| format!("r{number}"));
            let keys = (0..key.len()).map(|number| format!("k{number}"));
            let names: Vec<String> = names.chain(keys).collect();
            let written = format!("written ({})", names.join(", "));
            self.push_written(&mut builder, chunk, key, &written)?;
            push_returning(&mut builder, self.returning)?;
            for part in key {
                builder.sql(", ").sql(&part.column);
            }
            builder.sql(") SELECT ");
            for (number, name) in wanted.iter().enumerate() {
                let name = Identifier::column(name)?;
                builder.sql(format_args!("r{number} AS {name}, "));
            }
        } else {
            self.push_written(&mut builder, chunk, key, "written")?;
            builder.sql(" RETURNING *) SELECT written.*, ");
        }
        builder.sql("input.o FROM written LEFT JOIN input ON ");
        for (number, part) in key.iter().enumerate() {
            let separator = if number == 0 { "" } else { " AND " };
            builder.sql(separator);
            if wanted.is_some() {
                builder.sql(format_args!("k{number}"));
            } else {
                builder.sql("written.").sql(&part.column);
            }
            builder.sql(" = input.").sql(part.stored());
        }
        builder.sql(" ORDER BY input.o");
        Ok(ChunkStatement {
            statement: builder.finish(),
            reply: Reply::PlacedRows,
        })
    }

    /// Adds `WITH input …, written AS (INSERT …`, up to what it returns.
    fn push_written<'b>(
        &'b self,
        builder: &mut Builder<'b>,
        chunk: &Chunk,
        key: &[KeyPart<'_>],
        written: &str,
    ) -> Result<(), Error> {
        let drawn = || {
            key.iter()
                .filter_map(|part| Some((part, part.drawn.as_ref()?)))
        };
        let defaults: Vec<String> = drawn()
            .map(|(part, default)| format!("({default}) AS {}, ", part.input))
            .collect();
        builder.sql("WITH input AS MATERIALIZED (");
        self.push_cells(builder, &chunk.columns, &chunk.rows, &defaults.concat())?;
        builder.sql(")");
        let is_guarded = self.purpose != Purpose::Insert;
        if is_guarded {
            let key: Vec<String> = key.iter().map(KeyPart::stored).collect();
            self.push_twice(builder, &key);
        }
        let mut names = self.names(chunk);
        names.extend(drawn().map(|(part, _)| part.column.clone()));
        let mut inputs: Vec<String> = (0..chunk.columns.len())
            .map(|number| format!("c{number}"))
            .collect();
        inputs.extend(drawn().map(|(part, _)| part.input.clone()));
        builder.sql(", ").sql(written).sql(" AS (");
        self.push_insert(builder);
        builder.sql(" (").names(&names).sql(") SELECT ");
        push_list(builder, &inputs);
        builder.sql(" FROM input");
        if is_guarded {
            builder.sql(" WHERE ").sql(UNLESS_TWICE);
        }
        builder.sql(" ORDER BY o");
        self.push_on_conflict(builder, chunk);
        Ok(())
    }

    fn push_insert(&self, builder: &mut Builder<'_>) {
        builder.sql("INSERT INTO ").sql(&self.table);
        if self.purpose != Purpose::Insert {
            builder.sql(" AS target");
        }
    }

    fn push_on_conflict(&self, builder: &mut Builder<'_>, chunk: &Chunk) {
        if let Purpose::InsertOr(action) = self.purpose {
            push_conflict(builder, &self.key, action, &self.names(chunk));
        }
    }

    /// Rows of nothing but defaults.
    fn push_defaults(&self, builder: &mut Builder<'_>, chunk: &Chunk) {
        builder.sql(" (").names(&self.columns[..1]).sql(") VALUES ");
        for number in 0..chunk.rows.len() {
            builder.sql(if number == 0 {
                "(DEFAULT)"
            } else {
                ", (DEFAULT)"
            });
        }
    }

    /// A row whose key is there stays as it is: only the values are of interest.
    pub(super) fn insert_cells(
        &self,
        columns: &[usize],
        rows: &[usize],
    ) -> Result<Statement<'_>, Error> {
        let names: Vec<Identifier> = columns
            .iter()
            .map(|&place| self.columns[place].clone())
            .collect();
        let mut builder = Builder::new();
        self.push_insert(&mut builder);
        builder.sql(" (").names(&names).sql(") VALUES ");
        for (number, &row) in rows.iter().enumerate() {
            builder.sql(if number == 0 { "(" } else { ", (" });
            for (number, &column) in columns.iter().enumerate() {
                builder.sql(if number == 0 { "" } else { ", " });
                let cell = self.cell(row, column);
                builder.value_in_row(&self.columns[column], Some(row as u64), cell)?;
            }
            builder.sql(")");
        }
        if self.purpose != Purpose::Insert {
            push_conflict(&mut builder, &self.key, ConflictAction::Keep, &names);
        }
        Ok(builder.finish())
    }

    /// The names of the columns of a chunk.
    pub(super) fn names(&self, chunk: &Chunk) -> Vec<Identifier> {
        let names = chunk.columns.iter();
        names.map(|&place| self.columns[place].clone()).collect()
    }
}
