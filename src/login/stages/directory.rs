//! Stage `directory`: a connection to the domain controller (LDAP, Kerberos). What is said on it is not read here; whether
//! anything was answered shows all the same.

use super::{Horizon, Judged, connect};
use crate::login::steps::Connection;
use crate::model::{Side, Stage};

/// What became of a connection to the domain controller.
pub(in crate::login) fn judge(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Directory;
    if let Some(judged) = connect::judge(connection, STAGE, horizon) {
        return judged;
    }
    let stats = &connection.stats;
    match (stats.client.first_data, stats.server.first_data) {
        (Some(asked), None) => connect::unanswered(connection, STAGE, asked, horizon),
        _ => match connection.first_close() {
            // The client says good-bye to a directory that it has done with.
            Some((_, Side::Client, _)) => Judged::ok(STAGE),
            Some((at, Side::Server, close)) if !horizon.moved_on_after(at.time) => {
                Judged::failed(STAGE, crate::model::By::Server, connect::how(close), at)
            }
            _ if horizon.moved_on_after(stats.client.last_data.map_or(connection_start(connection), |at| at.time)) => {
                Judged::ok(STAGE)
            }
            _ => Judged::unclear(STAGE),
        },
    }
}

fn connection_start(connection: &Connection) -> crate::model::Time {
    connection.syn.or(connection.syn_ack).map_or_else(Default::default, |at| at.time)
}
