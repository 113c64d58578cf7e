import com.launchdarkly.logging.LDLogLevel;
import com.launchdarkly.sdk.LDContext;
import com.launchdarkly.sdk.LDValue;
import com.launchdarkly.sdk.ObjectBuilder;
import com.launchdarkly.sdk.json.JsonSerialization;
import com.launchdarkly.sdk.server.Components;
import com.launchdarkly.sdk.server.LDClient;
import com.launchdarkly.sdk.server.LDConfig;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The Java SDK. The argument is {url, polling, context}; lines.mjs has the commands. */
public final class Peer {
  private final LDClient client;
  private final LDContext context;

  private Peer(LDValue options) throws Exception {
    context = contextOf(options);
    var url = options.get("url").stringValue();
    var polling = options.get("polling").booleanValue();
    var config =
        new LDConfig.Builder()
            .serviceEndpoints(Components.serviceEndpoints().relayProxy(url))
            .dataSource(polling ? Components.pollingDataSource() : Components.streamingDataSource())
            .logging(Components.logging().level(LDLogLevel.ERROR))
            .startWait(Duration.ofMinutes(1));
    client = new LDClient("sdk-key", config.build());
  }

  public static void main(String[] arguments) throws Exception {
    endAfter(Duration.ofMinutes(15));
    var peer = new Peer(LDValue.parse(arguments[0]));
    var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    answers.println("{}");
    for (String line; (line = lines.readLine()) != null; ) {
      answers.println(peer.answer(LDValue.parse(line)).toJsonString());
    }
    // The threads of the SDK would keep the process alive.
    System.exit(0);
  }

  private LDValue answer(LDValue command) throws Exception {
    var flag = command.get("flag").stringValue();
    switch (command.get("do").stringValue()) {
      case "values":
        return values(contextOf(command));
      case "await":
        while (!value(flag).equals(command.get("value"))) {
          Thread.sleep(2);
        }
        break;
      case "evaluate":
        for (int i = 0; i < command.get("times").intValue(); i++) {
          value(flag);
        }
        break;
      case "identify":
        client.identify(contextOf(command));
        break;
      case "track":
        client.track(command.get("event").stringValue(), context);
        break;
      case "flush":
        client.flush();
        break;
      default:
        throw new IllegalArgumentException(command.toJsonString());
    }
    return LDValue.buildObject().build();
  }

  private LDValue value(String flag) {
    return client.jsonValueVariation(flag, context, LDValue.ofNull());
  }

  private LDValue values(LDContext context) {
    ObjectBuilder found = LDValue.buildObject();
    for (var flag : client.allFlagsState(context).toValuesMap().keySet()) {
      var detail = client.jsonValueVariationDetail(flag, context, LDValue.ofNull());
      found.put(
          flag,
          LDValue.buildObject()
              .put("value", detail.getValue())
              .put(
                  "variation",
                  detail.isDefaultValue() ? LDValue.ofNull() : LDValue.of(detail.getVariationIndex()))
              .put("reason", LDValue.parse(JsonSerialization.serialize(detail.getReason())))
              .build());
    }
    return found.build();
  }

  private static LDContext contextOf(LDValue command) throws Exception {
    return JsonSerialization.deserialize(command.get("context").toJsonString(), LDContext.class);
  }

  /** Ends this process after a time, even if the driver was killed. */
  private static void endAfter(Duration time) {
    var thread =
        new Thread(
            () -> {
              try {
                Thread.sleep(time.toMillis());
              } catch (InterruptedException ignored) {
                // The process ends anyway.
              }
              Runtime.getRuntime().halt(1);
            });
    thread.setDaemon(true);
    thread.start();
  }
}
