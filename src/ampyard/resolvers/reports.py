from ampyard.domain.reports import Report
from ampyard.resolvers.context import Info


async def resolve_download_url(root: Report, info: Info) -> str:
    """Resolve a link to a report's file."""
    return info.context.links.to_report(root.tenant_id, root.id, now=info.context.now)
