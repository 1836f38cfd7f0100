"""Coop Hub (合作社数据共享枢纽): the domain. Nothing below this package knows an orchestrator."""
