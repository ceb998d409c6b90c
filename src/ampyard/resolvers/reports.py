from ampyard.domain.access import Scope
from ampyard.domain.reports import Report
from ampyard.resolvers.context import Info


def resolve_download_url(root: Report, info: Info) -> str:
    """Resolve a link to a report's file."""
    info.context.principal.require(Scope.REPORTS_READ)
    return info.context.links.to_report(root.tenant_id, root.id, now=info.context.now)
