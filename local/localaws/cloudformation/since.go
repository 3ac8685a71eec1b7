package cloudformation

import "time"

// SetUpdated sets when a stack's latest update began, for tests of what waits for an update to end. Its status stays, and
// nobody is told.
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
