"""Reads captures on a Spark cluster: paths in, a row of JSON for each, and a table of devices.

usage: spark-submit triage.py LIST OUT [--partitions N] [--worker COMMAND]
"""
import argparse
import os

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, explode, filter as keep, get

ROW = """schema string, error string,
capture struct<path: string, format: string, frames: bigint, first_time: timestamp, last_time: timestamp>,
devices array<struct<mac: string, ips: array<string>, name: string, profile: string, verdict: string, verdict_confidence: double,
  loop: struct<attempts: int, period_s: double, drop_stage: string, restarts_at: string>,
  findings: array<struct<code: string, stage: string, primary: boolean, confidence: double, summary: string, fix: string>>>>"""


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument('list', help='paths of captures, one a line')
    arguments.add_argument('out', help='folder of the results')
    arguments.add_argument('--partitions', type=int, default=64)
    arguments.add_argument('--worker', default='loginloop triage --worker')
    options = arguments.parse_args()

    spark = SparkSession.builder.appName('loginloop').getOrCreate()
    paths = spark.sparkContext.textFile(options.list).repartition(options.partitions)
    # A worker answers each path with one line, so nothing is lost and nothing is mixed up. Spark gives it no environment.
    paths.pipe(options.worker, env={'PATH': os.environ.get('PATH', os.defpath)}, checkCode=True).saveAsTextFile(f'{options.out}/rows')

    rows = spark.read.schema(ROW).json(f'{options.out}/rows')
    # Most devices have none: from Spark 4 on, [0] of an empty list is an error.
    primary = get(keep(col('device.findings'), lambda finding: finding['primary']), 0)
    devices = rows.select('capture.path', explode('devices').alias('device')).select(
        'path', 'device.mac', 'device.ips', 'device.profile', 'device.verdict', col('device.loop.drop_stage').alias('drop_stage'),
        primary['code'].alias('primary_cause'), primary['summary'].alias('summary'), primary['fix'].alias('fix'))
    devices.write.mode('overwrite').parquet(f'{options.out}/devices')
    devices.filter("verdict in ('loop', 'dropped')").groupBy('primary_cause').count().orderBy('count', ascending=False).show(50, False)
    rows.filter('error is not null').select('capture.path', 'error').show(50, False)


main()
