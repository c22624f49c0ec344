output "region" {
  description = "What to set CARBONFINOPS_AWS__REGIONS to"
  value       = aws_cloudformation_stack.test_fleet.outputs["Region"]
}

output "running_instances" {
  description = "Instances that run all the time"
  value       = split(" ", aws_cloudformation_stack.test_fleet.outputs["RunningInstances"])
}

output "scheduled_instance" {
  description = "The instance that runs in office hours"
  value       = aws_cloudformation_stack.test_fleet.outputs["ScheduledInstance"]
}

output "stopped_instance" {
  description = "The instance that stopped itself after its first boot"
  value       = aws_cloudformation_stack.test_fleet.outputs["StoppedInstance"]
}
