// Package inspect reads what the health check needs to know about the guard's surroundings: CloudTrail's trails,
// EventBridge's rules, the policies of the workload's role, and CloudWatch's statistics.
//
// Each reading is made by the method Read of its type. Where it has several parts, those that could be read are
// returned also when the error names others.
package inspect
