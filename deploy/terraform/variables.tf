variable "region" {
  description = "Region of the fleet"
  type        = string
}

variable "stack_name" {
  description = "Name of the CloudFormation stack"
  type        = string
  default     = "carbonfinops"
}

variable "team" {
  description = "Tag \"team\" of all instances but Archive"
  type        = string
  default     = "platform"
}

variable "cost_center" {
  description = "Tag \"cost_center\" of all instances but Archive"
  type        = string
  default     = "4711"
}

variable "start_at" {
  description = "When Office is started (EventBridge Scheduler)"
  type        = string
  default     = "cron(0 8 ? * MON-FRI *)"
}

variable "stop_at" {
  description = "When Office is stopped (EventBridge Scheduler)"
  type        = string
  default     = "cron(0 18 ? * MON-FRI *)"
}

variable "time_zone" {
  description = "IANA time zone of start_at and stop_at"
  type        = string
  default     = "Europe/Berlin"
}

variable "availability_zone" {
  description = "Zone of the subnet; empty leaves the choice to EC2"
  type        = string
  default     = ""
}

variable "spot" {
  description = "Add a spot instance, for which the exporter reads spot prices"
  type        = bool
  default     = false
}
