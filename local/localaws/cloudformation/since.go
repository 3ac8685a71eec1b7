package cloudformation

import "time"

// SetUpdated sets the start of a stack's latest update, for tests of code that waits for an update to end. It does not
// change the status, and calls no function of [Service.OnStatus].
func (s *Service) SetUpdated(stack string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(stack)
	if i < 0 {
		return noStack(stack)
	}
	s.stacks[i].Updated = at
	return nil
}
