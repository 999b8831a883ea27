import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;

/** A report's id made from what the report is about. UUID.nameUUIDFromBytes is version 3 (MD5): not this one. */
final class ReportIds {
    private static final UUID NAMESPACE = UUID.fromString("a5bbb463-a9ae-53a0-a82f-f0019fd792ca");

    static UUID reportId(String source, String subject, long observedMicros, long revision, List<String> blocks) {
        String sorted = blocks.stream().sorted().collect(Collectors.joining("+"));
        return version5(source + "|" + subject + "|" + observedMicros + "|" + revision + "|" + sorted);
    }

    private static UUID version5(String name) {
        try {
            MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
            sha1.update(ByteBuffer.allocate(16).putLong(NAMESPACE.getMostSignificantBits())
                    .putLong(NAMESPACE.getLeastSignificantBits()).array());
            ByteBuffer hash = ByteBuffer.wrap(sha1.digest(name.getBytes(StandardCharsets.UTF_8)));
            long high = hash.getLong() & ~0xF000L | 0x5000L;
            long low = hash.getLong() & 0x3FFF_FFFF_FFFF_FFFFL | 0x8000_0000_0000_0000L;
            return new UUID(high, low);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    public static void main(String[] args) {
        System.out.println(
                reportId("BEDS", "organisations/RJ1/wards/A7", 1461664320000000L, 0, List.of("patients")));
    }
}
