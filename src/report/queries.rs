//! What can be asked of the tables of a batch, in the words of what reads them: DuckDB, pandas, Spark.

/// A question to one table.
struct Query {
    asks: &'static str,
    table: &'static str,
    /// The SQL before the name of the table, and behind it.
    sql: (&'static str, &'static str),
    /// The same, for a data frame of that name.
    pandas: &'static str,
}

/// One MAC is one device in all captures; one without is another device in each.
const QUERIES: [Query; 4] = [
    Query {
        asks: "Which failures do most devices share?",
        table: "logins",
        sql: (
            "SELECT fingerprint, count(DISTINCT coalesce(mac, capture || ' ' || device)) AS devices",
            "WHERE fingerprint IS NOT NULL GROUP BY fingerprint ORDER BY devices DESC, fingerprint",
        ),
        pandas: "logins.assign(one=logins.mac.fillna(logins.capture + ' ' + logins.device)).groupby('fingerprint').one.nunique().sort_values(ascending=False)",
    },
    Query {
        asks: "Which causes does each family of devices have?",
        table: "logins",
        sql: (
            "SELECT profile, primary_cause, count(*) AS logins",
            "WHERE fingerprint IS NOT NULL GROUP BY profile, primary_cause ORDER BY profile, logins DESC",
        ),
        pandas: "logins.dropna(subset='fingerprint').groupby(['profile', 'primary_cause'], dropna=False).size()",
    },
    Query {
        asks: "Since when is there a cause, and until when?",
        table: "logins",
        sql: (
            "SELECT primary_cause, min(start) AS since, max(start) AS until, count(*) AS logins",
            "WHERE fingerprint IS NOT NULL GROUP BY primary_cause ORDER BY since",
        ),
        pandas: "logins.dropna(subset='fingerprint').groupby('primary_cause', dropna=False).start.agg(['min', 'max', 'count'])",
    },
    Query {
        asks: "What was not read, and why?",
        table: "captures",
        sql: ("SELECT capture, error", "WHERE status = 'unread' ORDER BY capture"),
        pandas: "captures[captures.status == 'unread'][['capture', 'error']]",
    },
];

impl Query {
    /// In SQL, of what bears that name there.
    fn sql(&self, relation: &str) -> String {
        let (before, behind) = self.sql;
        format!("{before} FROM {relation} {behind}")
    }

    /// The table's file is a relation to DuckDB.
    fn duckdb(&self) -> String {
        self.sql(&format!("'{}.parquet'", self.table))
    }
}

/// A shell's line that asks the first question.
pub(in crate::report) fn first() -> String {
    QUERIES.first().map(|query| format!("duckdb -c \"{}\"", query.duckdb())).unwrap_or_default()
}

/// All questions, by what answers them: what it is called, and the text to give it.
pub(in crate::report) fn all() -> [(&'static str, String); 3] {
    let told = |comment: &str, tell: &dyn Fn(&Query) -> String| {
        QUERIES.iter().map(|query| format!("{comment} {}\n{}\n", query.asks, tell(query))).collect::<String>()
    };
    let pandas =
        "import pandas\nlogins, captures = (pandas.read_parquet(f'{table}.parquet') for table in ('logins', 'captures'))\n";
    let spark =
        "for table in ('logins', 'captures'):\n    spark.read.parquet(f'{table}.parquet').createOrReplaceTempView(table)\n";
    [
        ("DuckDB", told("--", &|query| format!("{};", query.duckdb()))),
        ("pandas", pandas.to_owned() + &told("#", &|query| format!("print({})", query.pandas))),
        (
            "Spark",
            spark.to_owned() + &told("#", &|query| format!("spark.sql(\"{}\").show(truncate=False)", query.sql(query.table))),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::triage::tables::{CAPTURES, LOGINS};

    /// What is no name of a column: words of SQL, then of pandas, values, and the names that a query gives.
    const WORDS: &str = "select as from where is not null group by order desc count distinct coalesce min max \
        logins captures assign fillna groupby nunique sort_values ascending dropna subset size agg false \
        unread devices since until one";

    fn words(text: &str) -> impl Iterator<Item = String> + '_ {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| !word.is_empty()).map(str::to_lowercase)
    }

    #[test]
    fn a_query_names_columns_that_its_table_has() {
        for query in &QUERIES {
            let table = if query.table == LOGINS.name { LOGINS } else { CAPTURES };
            assert_eq!(table.name, query.table);
            let is_column = |word: &str| table.columns.iter().any(|(name, _)| *name == word);
            for text in [query.sql.0, query.sql.1, query.pandas] {
                let unknown: Vec<_> =
                    words(text).filter(|word| !is_column(word) && !words(WORDS).any(|known| known == *word)).collect();
                assert!(unknown.is_empty(), "{text}: {unknown:?}");
            }
        }
    }

    #[test]
    fn a_shell_takes_the_first_question_as_one_argument() {
        let line = first();
        let inside = line.strip_prefix("duckdb -c \"").and_then(|rest| rest.strip_suffix('"')).unwrap();
        assert!(!inside.contains(['"', '$', '`', '\\', '!']) && inside.contains(" FROM 'logins.parquet' WHERE "), "{line}");
    }

    #[test]
    fn each_question_is_put_to_each() {
        for (tool, text) in all() {
            for query in &QUERIES {
                assert!(text.contains(query.asks), "{tool}");
            }
        }
    }
}
