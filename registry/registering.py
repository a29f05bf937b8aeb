"""Registering and correcting, in one place to import from: enterprises, projects, approvals, notices, sources."""

from registry.approval_writing import correct_approval
from registry.enterprise_writing import correct_enterprise, register_enterprises
from registry.import_items import EnterpriseItem, NoticeItem, ProjectItem, SourceItem
from registry.import_problems import ItemsRejected, Problem, read_items
from registry.notice_writing import register_notices, register_sources
from registry.outcomes import Outcome
from registry.project_writing import correct_project, register_projects
from registry.restating import Telling

__all__ = [
    "EnterpriseItem",
    "ItemsRejected",
    "NoticeItem",
    "Outcome",
    "Problem",
    "ProjectItem",
    "SourceItem",
    "Telling",
    "correct_approval",
    "correct_enterprise",
    "correct_project",
    "read_items",
    "register_enterprises",
    "register_notices",
    "register_projects",
    "register_sources",
]
