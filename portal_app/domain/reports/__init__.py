"""Reports: figures of the books and of the work, as data. A page, a paper and a CSV are three ways of writing one."""

from portal_app.domain.reports import cash, receivables, standing, trust, unbilled
from portal_app.domain.reports.definition import Chart, Column, Link, Report, Row, Table, Value, Wanted
from portal_app.domain.reports.writing import csv

REPORTS = {
    report.name: report for report in (receivables.REPORT, cash.REPORT, standing.REPORT, unbilled.REPORT, trust.REPORT)
}

__all__ = ["REPORTS", "Chart", "Column", "Link", "Report", "Row", "Table", "Value", "Wanted", "csv"]
