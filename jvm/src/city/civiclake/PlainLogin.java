package city.civiclake;

import java.io.IOException;
import java.util.HashMap;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.security.auth.callback.NameCallback;
import javax.security.auth.callback.PasswordCallback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.sasl.AuthorizeCallback;
import org.apache.thrift.transport.TSaslServerTransport;
import org.apache.thrift.transport.TTransportFactory;

/**
 * A login by name and password over SASL PLAIN, asked of {@link PasswordLogin} at once.
 *
 * <p>Hive's own way there makes a new {@code HiveConf} for every connection, which reads all of
 * Hadoop's XML files again: a quarter of what a login, {@code SELECT 1} and close cost.
 */
final class PlainLogin implements CallbackHandler {
  private final PasswordLogin login = new PasswordLogin();

  private PlainLogin() {}

  /** What a connection is spoken over once its login was right. */
  static TTransportFactory transports() {
    TSaslServerTransport.Factory made = new TSaslServerTransport.Factory();
    made.addServerDefinition("PLAIN", "CUSTOM", null, new HashMap<>(), new PlainLogin());
    return made;
  }

  @Override
  public void handle(Callback[] asked) throws IOException, UnsupportedCallbackException {
    String user = null;
    String password = null;
    AuthorizeCallback right = null;
    for (Callback one : asked) {
      if (one instanceof NameCallback name) {
        user = name.getName();
      } else if (one instanceof PasswordCallback secret) {
        password = secret.getPassword() == null ? null : new String(secret.getPassword());
      } else if (one instanceof AuthorizeCallback authorize) {
        right = authorize;
      } else {
        throw new UnsupportedCallbackException(one);
      }
    }
    login.Authenticate(user, password);
    if (right != null) {
      right.setAuthorized(true);
    }
  }
}
