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

// The metrics of a correction run. OpenDrift and ClosedDrift are published at every run, also when they are 0, so that
// missing ones say that the guard does not run. The others are published only when they are not 0, for CloudWatch bills
// a metric for each hour in which it gets a value.
const (
	// DriftDetected is how many properties differed from the desired state when the run looked.
	DriftDetected Name = "DriftDetected"
	// DriftCorrected is how many of them were restored and read back as desired.
	DriftCorrected Name = "DriftCorrected"
	// CorrectionFailed is how many were not, or could not even be inspected, without the guard standing down.
	CorrectionFailed Name = "CorrectionFailed"
	// OpenDrift is how many of the differing properties allowed something that must be denied.
	OpenDrift Name = "OpenDrift"
	// ClosedDrift is how many of them allowed nothing of the kind.
	ClosedDrift Name = "ClosedDrift"
	// StoodDown is 1 when drift was left alone because our own stack was being changed or deleted.
	StoodDown Name = "StoodDown"
	// Contested is how many properties were corrected that have been corrected again and again of late.
	Contested Name = "Contested"
	// ResourceMissing is how many guarded resources are gone and cannot be put back: the endpoint or the bucket.
	ResourceMissing Name = "ResourceMissing"
	// TimeToCorrect is, for each correction, from the event (or else the run's start) to the verified fix.
	TimeToCorrect Name = "TimeToCorrect"
)

// The metrics of a health run, published by PutMetricData. "1 or 0" ones are 1 while all is well, unless their name says
// the opposite. What could not be found out is not published: then CheckFailed says so.
const (
	// EndpointAvailable is 1 or 0: the endpoint exists and its state is "available".
	EndpointAvailable Name = "EndpointAvailable"
	// HealthyZones is in how many Availability Zones an interface endpoint has a network interface in use.
	HealthyZones Name = "HealthyZones"
	// PrivateDNSOn is 1 or 0: S3's names lead to the interface endpoint, for everybody in the VPC.
	PrivateDNSOn Name = "PrivateDNSOn"
	// RoutesPresent is 1 or 0: every route table of a gateway endpoint has an active route to it.
	RoutesPresent Name = "RoutesPresent"
	// EndpointAsDeployed is 1 or 0: subnets, security groups and their rules, or route tables and their subnets, are
	// those of the template.
	EndpointAsDeployed Name = "EndpointAsDeployed"
	// BucketLocked is 1 or 0: the bucket's policy denies every probe, the public access block is fully on, access
	// control lists are off, and S3 calls the bucket not public.
	BucketLocked Name = "BucketLocked"
	// EndpointLocked is 1 or 0: the endpoint's policy denies every probe.
	EndpointLocked Name = "EndpointLocked"
	// ExposedToInternet is 1 when S3 answered an anonymous read from the internet with anything but a refusal, else 0.
	ExposedToInternet Name = "ExposedToInternet"
	// TrailLogging is 1 or 0: some trail logs management writes in this Region, without which no event comes.
	TrailLogging Name = "TrailLogging"
	// RulesEnabled is 1 or 0: every rule that wakes the guard is there, enabled, and has the guard as its target.
	RulesEnabled Name = "RulesEnabled"
	// SweepRecent is 1 or 0: a correction run has published its metrics lately.
	SweepRecent Name = "SweepRecent"
	// RoleFindings is how many grants beyond need the workload's role, the bucket's policy and the endpoint's have.
	RoleFindings Name = "RoleFindings"
	// EndpointIdle is 1 when nothing but the probe used the interface endpoint for as long as the template says, else 0.
	EndpointIdle Name = "EndpointIdle"
	// CheckFailed is how many checks could not be made. With [ByCheck] it names one that could not, and is then 1.
	CheckFailed Name = "CheckFailed"
)

// The metrics of a probe run, published as EMF: ProbeSucceeded and ProbeLatency with [ByZone] only, the others without. A
// step that was not reached has no latency.
const (
	// ProbeSucceeded is 1 or 0: the name led to the endpoint, and an object written through it was read back the same.
	ProbeSucceeded Name = "ProbeSucceeded"
	// ResolvedToEndpoint is 1 or 0: every address of the bucket's name is the interface endpoint's, or, behind a
	// gateway endpoint, public as S3's own are.
	ResolvedToEndpoint Name = "ResolvedToEndpoint"
	// ForeignBucketRefused is 1 or 0: a bucket that is open to everybody was refused through the endpoint.
	ForeignBucketRefused Name = "ForeignBucketRefused"
	// DNSLatency is the time to resolve the bucket's name.
	DNSLatency Name = "DNSLatency"
	// ConnectLatency is the time to open a TCP connection.
	ConnectLatency Name = "ConnectLatency"
	// TLSLatency is the time of the TLS handshake.
	TLSLatency Name = "TLSLatency"
	// FirstByteLatency is the time from the request to the first byte of the answer, of the write and of the read.
	FirstByteLatency Name = "FirstByteLatency"
	// ProbeLatency is the time from the name to the object read back: what a client meets that begins anew.
	ProbeLatency Name = "ProbeLatency"
	// ProbeBytes is how many bytes the probe itself sent and received through the endpoint.
	ProbeBytes Name = "ProbeBytes"
)
