package city.civiclake;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Checks a login against a file of salted hashes, one analyst a line: {@code
 * name:iterations:salt:hash}, the last two in hex (PBKDF2-HMAC-SHA256).
 *
 * <p>The file is read at every login, so that a new or removed analyst counts at once. An unknown
 * name costs as much time and gets the same sentence as a wrong password.
 */
public final class PasswordLogin implements PasswdAuthenticationProvider {
  private static final Logger LOG = LogManager.getLogger(PasswordLogin.class);
  private static final String DUMMY = "-:210000:00000000000000000000000000000000:" + "00".repeat(32);
  private static final int LONGEST = 1024;
  private static final Path FILE = Path.of(System.getProperty("civiclake.analysts", ""));

  @Override
  public void Authenticate(String user, String password) throws AuthenticationException {
    SqlServer.awaitReady();
    boolean given =
        user != null && !user.isEmpty() && password != null && !password.isEmpty()
            && password.length() <= LONGEST;
    if (!given || !matches(user, password)) {
      LOG.info("login refused: {}", Refused.oneLine(String.valueOf(user)));
      throw new AuthenticationException("wrong user name or password");
    }
  }

  private static boolean matches(String user, String password) throws AuthenticationException {
    String entry = DUMMY;
    boolean known = false;
    for (String line : lines()) {
      String[] fields = line.split(":");
      if (fields.length == 4 && fields[0].equals(user)) {
        entry = line;
        known = true;
      }
    }
    String[] parts = entry.split(":");
    byte[] expected = HexFormat.of().parseHex(parts[3]);
    byte[] salt = HexFormat.of().parseHex(parts[2]);
    byte[] made = hash(password, salt, Integer.parseInt(parts[1]), expected.length);
    return MessageDigest.isEqual(expected, made) & known;
  }

  private static java.util.List<String> lines() throws AuthenticationException {
    try {
      return Files.readAllLines(FILE, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AuthenticationException("the list of analysts can't be read");
    }
  }

  private static byte[] hash(String password, byte[] salt, int iterations, int length)
      throws AuthenticationException {
    try {
      PBEKeySpec spec = new PBEKeySpec(password.toCharArray(), salt, iterations, length * 8);
      return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256").generateSecret(spec).getEncoded();
    } catch (GeneralSecurityException e) {
      throw new AuthenticationException("the password can't be checked");
    }
  }
}
