from analysis.report.build import add_analysis

__all__ = ["add_analysis"]
