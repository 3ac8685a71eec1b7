// Package inspect reads what the health check needs to know about the guard's environment: CloudTrail's trails,
// EventBridge's rules, the policies of the workload's role, and CloudWatch's statistics.
//
// Each type has a method Read, or several. If a part cannot be read, the error names it, and the other parts are still
// returned.
package inspect
