import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;

/** A channel to the service, by environment: WARDWATCH_SERVER, _CA, _CERTIFICATE, _KEY (files), _TOKEN. */
final class Connection {
    static ManagedChannel open() throws IOException {
        return Grpc.newChannelBuilder(env("SERVER", "localhost:50051"), credentials()).build();
    }

    private static ChannelCredentials credentials() throws IOException {
        String ca = env("CA", "");
        if (ca.isEmpty()) {
            return InsecureChannelCredentials.create();
        }
        TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder().trustManager(new File(ca));
        if (!env("CERTIFICATE", "").isEmpty()) {
            tls.keyManager(new File(env("CERTIFICATE", "")), new File(env("KEY", "")));
        }
        return tls.build();
    }

    static <S extends AbstractStub<S>> S withToken(S stub) {
        if (env("TOKEN", "").isEmpty()) {
            return stub;
        }
        Metadata headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + env("TOKEN", ""));
        return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
    }

    static String env(String name, String otherwise) {
        String value = System.getenv("WARDWATCH_" + name);
        return value == null ? otherwise : value;
    }
}
