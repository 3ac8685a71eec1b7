package metrics

// Unit is a CloudWatch unit.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Bytes        Unit = "Bytes"
)

// Name is a metric's name.
type Name string

// The metrics of a correction run. Each run publishes OpenDrift and ClosedDrift, even with the value 0, so that missing
// data means that the guard does not run. The others are published only when they are not 0, because CloudWatch bills a
// metric for each hour in which it gets a value.
const (
	// DriftDetected is how many properties differed from the desired state at the start of the run.
	DriftDetected Name = "DriftDetected"
	// DriftCorrected is how many of them were restored and, when read back, were as desired.
	DriftCorrected Name = "DriftCorrected"
	// CorrectionFailed is how many were not restored or could not be inspected, except while the guard stands down.
	CorrectionFailed Name = "CorrectionFailed"
	// OpenDrift is how many of the differing properties allowed access that must be denied.
	OpenDrift Name = "OpenDrift"
	// ClosedDrift is how many of them allowed no such access.
	ClosedDrift Name = "ClosedDrift"
	// StoodDown is 1 when drift was not corrected because a stack was being changed or deleted, or in a maintenance window.
	StoodDown Name = "StoodDown"
	// Contested is how many corrected properties have been corrected repeatedly in the last minutes.
	Contested Name = "Contested"
	// ResourceMissing is how many guarded resources are missing and cannot be restored: the endpoint or the bucket.
	ResourceMissing Name = "ResourceMissing"
	// BucketsNotLocked is how many buckets of guard.yaml allow what must be denied, or could not be read, at the end of a sweep. Each
	// sweep publishes it, also 0; other runs do not see all buckets and publish nothing.
	BucketsNotLocked Name = "BucketsNotLocked"
	// TimeToCorrect is the time of each correction from the event (or else the run's start) to the verified correction.
	TimeToCorrect Name = "TimeToCorrect"
)

// The metrics of a health run, published by PutMetricData. Those marked "1 or 0" are 1 if there is no problem. A metric
// whose check failed is not published, and CheckFailed counts it.
const (
	// EndpointAvailable is 1 or 0: the endpoint exists and its state is "available".
	EndpointAvailable Name = "EndpointAvailable"
	// HealthyZones is the number of Availability Zones in which an interface endpoint has a network interface in use.
	HealthyZones Name = "HealthyZones"
	// PrivateDNSOn is 1 or 0: S3's names resolve to the interface endpoint for all clients in the VPC.
	PrivateDNSOn Name = "PrivateDNSOn"
	// RoutesPresent is 1 or 0: all route tables of a gateway endpoint have an active route to it.
	RoutesPresent Name = "RoutesPresent"
	// EndpointAsDeployed is 1 or 0: subnets, security groups and their rules, or route tables and their subnets, are
	// as in the template.
	EndpointAsDeployed Name = "EndpointAsDeployed"
	// BucketLocked is 1 or 0: the bucket's policy denies all probes, the public access block is fully on, access
	// control lists are off, and S3 reports the bucket's policy as not public.
	BucketLocked Name = "BucketLocked"
	// EndpointLocked is 1 or 0: the endpoint's policy denies all probes.
	EndpointLocked Name = "EndpointLocked"
	// ExposedToInternet is 0 when S3 refused an anonymous read from the internet, 1 after another answer.
	ExposedToInternet Name = "ExposedToInternet"
	// TrailLogging is 1 or 0: a trail logs management writes in the Region. Without one, no events arrive.
	TrailLogging Name = "TrailLogging"
	// RulesEnabled is 1 or 0: all rules that invoke the guard exist, are enabled, and have the guard as their target.
	RulesEnabled Name = "RulesEnabled"
	// SweepRecent is 1 or 0: correction runs have published their metrics recently, as often as the sweep's interval wants.
	SweepRecent Name = "SweepRecent"
	// RoleFindings is how many unneeded permissions the policies of the workload's role, the bucket and the endpoint
	// have.
	RoleFindings Name = "RoleFindings"
	// EndpointIdle is 1 when only the probe used the interface endpoint for the time set in the template, else 0.
	EndpointIdle Name = "EndpointIdle"
	// SecurityFindings is how many things that the guard does not restore open the bucket, destroy its data or silence
	// the guard. The log names them.
	SecurityFindings Name = "SecurityFindings"
	// CheckFailed is the number of failed checks. With [ByCheck] it is 1 and names one failed check.
	CheckFailed Name = "CheckFailed"
)

// The metrics of a probe run, published as EMF: ProbeSucceeded and ProbeLatency with [ByZone] only, the others without.
// There is no latency for a step that was not reached.
const (
	// ProbeSucceeded is 1 or 0: the name resolved to the endpoint, and an object written through it was read back
	// unchanged.
	ProbeSucceeded Name = "ProbeSucceeded"
	// ResolvedToEndpoint is 1 or 0: all addresses of the bucket's name are the interface endpoint's or, for a gateway
	// endpoint, public addresses like S3's.
	ResolvedToEndpoint Name = "ResolvedToEndpoint"
	// ForeignBucketRefused is 1 or 0: the endpoint refused access to a public bucket of another account.
	ForeignBucketRefused Name = "ForeignBucketRefused"
	// DNSLatency is the time to resolve the bucket's name.
	DNSLatency Name = "DNSLatency"
	// ConnectLatency is the time to open a TCP connection.
	ConnectLatency Name = "ConnectLatency"
	// TLSLatency is the time of the TLS handshake.
	TLSLatency Name = "TLSLatency"
	// FirstByteLatency is the time from the request to the first byte of the answer, of the write and of the read.
	FirstByteLatency Name = "FirstByteLatency"
	// ProbeLatency is the time from the name lookup to reading the object back, as for a client without a connection.
	ProbeLatency Name = "ProbeLatency"
	// ProbeBytes is the number of bytes that the probe itself sent and received through the endpoint.
	ProbeBytes Name = "ProbeBytes"
)
