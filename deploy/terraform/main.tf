# The template is what is tested; this only hands its parameters on.
resource "aws_cloudformation_stack" "test_fleet" {
  name          = var.stack_name
  template_body = file("${path.module}/../cloudformation/test-fleet.yaml")
  capabilities  = ["CAPABILITY_IAM"]
  on_failure    = "DELETE"

  parameters = {
    Team             = var.team
    CostCenter       = var.cost_center
    StartAt          = var.start_at
    StopAt           = var.stop_at
    TimeZone         = var.time_zone
    AvailabilityZone = var.availability_zone
    Spot             = var.spot ? "yes" : "no"
  }
}
