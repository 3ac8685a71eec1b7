package sqs

import (
	"errors"
	"regexp"
	"strconv"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// entry is one message of SendMessageBatch.
type entry struct {
	Id, MessageBody string
	DelaySeconds    *int
}

// maxEntries is the most entries of a batch.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const maxEntries = 10

// entryID matches the valid ids of entries.
var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkEntries refuses a batch that SQS refuses as a whole.
func checkEntries(entries []entry) error {
	if len(entries) == 0 {
		return jsonrpc.Refuse("EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
	}
	if len(entries) > maxEntries {
		return jsonrpc.Refuse("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent "+strconv.Itoa(len(entries))+".")
	}
	ids, size := map[string]bool{}, 0
	for _, e := range entries {
		size += len(e.MessageBody)
		switch {
		case !entryID.MatchString(e.Id):
			return jsonrpc.Refuse("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case ids[e.Id]:
			return jsonrpc.Refuse("BatchEntryIdsNotDistinct", "Id "+e.Id+" repeated.")
		case size > maxMessage:
			return jsonrpc.Refuse("BatchRequestTooLong", "Batch requests cannot be longer than "+strconv.Itoa(maxMessage)+" bytes.")
		}
		ids[e.Id] = true
	}
	return nil
}

// decodeSendMessageBatch sends each entry by itself: the call succeeds even if none of them can be sent.
func (s *Service) decodeSendMessageBatch(r *api.Request, in input) *api.Operation {
	return &api.Operation{Needs: s.needs("SendMessage", in.QueueUrl), Do: func() (*api.Response, error) {
		if !s.exists(in.QueueUrl) {
			return nil, noQueue()
		}
		if err := checkEntries(in.Entries); err != nil {
			return nil, err
		}
		sent, failed := []map[string]any{}, []map[string]any{}
		for _, e := range in.Entries {
			m, err := s.SendLater(in.QueueUrl, e.MessageBody, seconds(e.DelaySeconds))
			if refusal, ok := errors.AsType[*api.Error](err); ok {
				failed = append(failed, map[string]any{"Id": e.Id, "SenderFault": true, "Code": refusal.Code, "Message": refusal.Message})
				continue
			}
			sent = append(sent, map[string]any{"Id": e.Id, "MessageId": m.ID, "MD5OfMessageBody": m.Digest()})
		}
		return answer(r, map[string]any{"Successful": sent, "Failed": failed})
	}}
}
