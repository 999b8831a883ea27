// Package example holds what the reporter and the subscriber share.
package example

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
)

const namespace = "a5bbb463a9ae53a0a82ff0019fd792ca"

// ReportID makes a report's id from what the report is about: a UUID of version 5.
func ReportID(source, subject string, observedMicros, revision int64, blocks ...string) string {
	sort.Strings(blocks)
	name := fmt.Sprintf("%s|%s|%d|%d|%s", source, subject, observedMicros, revision, strings.Join(blocks, "+"))
	space, _ := hex.DecodeString(namespace)
	id := sha1.Sum(append(space, name...))
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
